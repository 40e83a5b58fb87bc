// SPDX-License-Identifier: Apache-2.0

// A whole job that is crashed, stopped and drained at any step, whose store fails, hangs and forgets to say
// that it was done, and whose output is lost now and then: each record is in its visible output once, in
// order, when at last it is done. The disk that its sink writes to outlives its launches.

#include "../support/checkpoint_fixture.hpp"
#include "../support/disk_sink.hpp"
#include "../support/seeds.hpp"

#include <random>

using namespace std::chrono_literals;
using weir::error;
using weir::testing::checkpoint_fixture;
using weir::testing::disk;
using weir::testing::disk_sink;

namespace {

/// How often something has happened in all seeds: a run in which it never does shows nothing.
struct tally {
  int crashes = 0;
  int went_on = 0;
  int from_0 = 0;
  int recovered = 0;
  int removed = 0;
  int lost = 0;
  int stops = 0;
  int drains = 0;
  int unstored = 0;
  int refused = 0;
  int repeated = 0;
};

struct random_job : checkpoint_fixture {
  explicit random_job(std::uint64_t seed, tally& count) : random(seed), all(count) {
    expects_commits = false;
    log.muted = true;
    auto& options = add_line(weir::output_mode::ordered);
    options.capacity = 1 + at_most(4);
    std::get<weir::sink_plan>(plan.stages[2].what).make = [this] {
      return std::make_unique<weir::typed_sink_body<int>>(std::make_unique<disk_sink>(to));
    };
    checkpoints().timing.interval = 20ms;
    checkpoints().timing.timeout = 50ms;
    checkpoints().timing.concurrent = 1 + at_most(1);
    checkpoints().keep = 1 + at_most(2);
    // In the order of messages, or in any.
    if (at_most(1) == 0)
      world.shuffle(seed);
  }

  std::size_t at_most(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n}(random);
  }

  /// A launch that goes on from whatever there is.
  void launch() {
    work.hold(false);
    const auto ids = stored();
    if (ids.empty()) {
      start();
      return;
    }
    ++(ids.back() == 0 ? all.from_0 : all.went_on);
    start_again();
  }

  void end_launch() {
    all.refused += static_cast<int>(counts().refused);
    all.unstored += static_cast<int>(counts().not_stored);
    crash();
  }

  void complete_some(std::size_t n) {
    auto& held = functions["op"].held;
    for (; n > 0 && !held.empty(); --n) {
      auto at = held.begin();
      std::advance(at, at_most(held.size() - 1));
      const auto record = at->first;
      complete(record);
    }
  }

  void act() {
    switch (at_most(13)) {
      case 0:
      case 1:
      case 2: {
        const int n = 1 + static_cast<int>(at_most(4));
        for (int i = 0; i < n && pushed < records; ++i)
          sources["in"].items.push_back({++pushed});
        wake("in");
        break;
      }
      case 3:
      case 4:
      case 5:
        complete_some(1 + at_most(3));
        break;
      case 6:
      case 7:
        advance(std::chrono::milliseconds{1 + at_most(30)});
        break;
      case 8:
        let_store_fail(at_most(1) == 0 ? "write" : "written");
        break;
      case 9:
        work.hold(at_most(1) == 0);
        world.run();
        break;
      case 10:
        // A crash in the midst of things.
        world.advance_without_running(20ms);
        world.trigger_timers();
        for (auto steps = at_most(30); steps > 0 && world.step(); --steps) {
        }
        ++all.crashes;
        end_launch();
        break;
      case 11:
        to.loses_output = at_most(1) == 0;
        to.commit_rounds = static_cast<int>(at_most(5));
        break;
      case 12:
        sources["in"].position_error
          = at_most(1) == 0 ? std::optional{error{"io", "in", "not now"}} : std::nullopt;
        break;
      case 13:
        if (at_most(1) == 0) {
          runner->stop();
          ++all.stops;
        } else {
          runner->drain(std::chrono::milliseconds{at_most(100)});
          ++all.drains;
        }
        if (at_most(1) == 0)
          break;
        work.hold(false);
        advance(100ms);
        break;
    }
  }

  /// Faults have stopped.
  void finish() {
    memory->at_each_step(nullptr);
    to.loses_output = false;
    sources["in"].position_error.reset();
    if (!runner)
      launch();
    work.hold(false);
    for (; pushed < records;)
      sources["in"].items.push_back({++pushed});
    sources["in"].ended = true;
    wake("in");
    for (int i = 0; i < 1000 && !(result && result->end == weir::job_end::done); ++i) {
      if (result) {
        end_launch();
        launch();
        wake("in");
      }
      complete_some(100);
      advance(20ms);
    }
  }

  static constexpr int records = 30;

  std::mt19937_64 random;
  tally& all;
  disk to;
  int pushed = 0;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_job_that_is_crashed_anywhere_shows_each_record_once) {
  tally count;
  const auto of = weir::testing::seeds(1'000);
  for (auto seed = of.first; seed < of.first + of.count; ++seed) {
    random_job job{seed, count};
    job.launch();
    for (int i = 0; i < 60; ++i) {
      if (!job.runner)
        job.launch();
      if (job.result) {
        job.end_launch();
        continue;
      }
      job.act();
    }
    job.finish();
    std::vector<int> all;
    for (int i = 1; i <= random_job::records; ++i)
      all.push_back(10 * i);
    BOOST_TEST_REQUIRE(job.result.has_value());
    BOOST_TEST((job.result->end == weir::job_end::done), "seed " << seed);
    BOOST_TEST(job.to.visible == all, "seed " << seed);
    BOOST_TEST(job.to.hidden.empty(), "seed " << seed);
    BOOST_TEST((job.about(job.stored().back()).kind == weir::checkpoint_kind::finished));
    count.recovered += job.to.recovered;
    count.removed += job.to.removed;
    count.lost += job.to.lost;
    count.repeated += job.functions["op"].calls > random_job::records ? 1 : 0;
  }
  BOOST_TEST_MESSAGE("crashes " << count.crashes << ", went on " << count.went_on << ", from 0 "
                                << count.from_0 << ", recovered " << count.recovered << ", removed "
                                << count.removed << ", lost " << count.lost << ", stops "
                                << count.stops << ", drains " << count.drains << ", not stored "
                                << count.unstored << ", refused " << count.refused << ", repeated "
                                << count.repeated);
  // One seed alone need not meet all.
  if (of.count < 20)
    return;
  for (const auto each :
       {count.crashes, count.went_on, count.from_0, count.recovered, count.removed, count.lost,
        count.stops, count.drains, count.unstored, count.refused, count.repeated})
    BOOST_TEST(each > 0);
}
