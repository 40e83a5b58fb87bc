// SPDX-License-Identifier: Apache-2.0

// A job with checkpoints that starts again by itself whenever it fails: records, steps, sinks and the store
// fail it at any step, it is stopped, drained, cancelled and started anew, and in each case it ends, says
// truly what a start goes on from, and counts what it has made. When all is over each record is visible once.

#include "../support/checkpoint_fixture.hpp"
#include "../support/disk_sink.hpp"
#include "../support/seeds.hpp"

#include "weir/job_keeper.hpp"

#include <algorithm>
#include <iterator>
#include <random>
#include <sstream>

using namespace std::chrono_literals;
using weir::checkpoint_kind;
using weir::error;
using weir::expected;
using weir::job_end;
using weir::testing::checkpoint_fixture;
using weir::testing::disk;
using weir::testing::disk_sink;

namespace {

/// How often something has happened in all seeds: a run in which it never does shows nothing.
struct tally {
  std::uint64_t starts = 0;
  std::uint64_t restarts = 0;
  std::uint64_t ends[5] = {};
  std::uint64_t from_0 = 0;
  std::uint64_t lost = 0;
  std::uint64_t recovered = 0;
  std::uint64_t removed = 0;
  std::uint64_t late = 0;
};

struct random_kept_job : checkpoint_fixture {
  random_kept_job(std::uint64_t seed, tally& count) : random(seed), all(count) {
    expects_commits = false;
    instances = 1 + static_cast<std::uint32_t>(at_most(1));
    add_source("in");
    add_operator("op", instances == 1 ? weir::output_mode::ordered : weir::output_mode::unordered,
                 instances)
      .capacity
      = 1 + at_most(4);
    if (instances > 1)
      plan.edges[0].how = weir::partition::rebalance;
    add_sink("out");
    if (instances > 1)
      plan.edges[1].how = weir::partition::rebalance;
    std::get<weir::sink_plan>(plan.stages[2].what).make = [this] {
      return std::make_unique<weir::typed_sink_body<int>>(std::make_unique<disk_sink>(to));
    };
    to.fd = fds.make();
    if (at_most(1) == 0) {
      // Its channels end one after the other.
      add_source("other");
      plan.edges.back() = {.from = 3, .to = 1};
      if (instances > 1)
        plan.edges.back().how = weir::partition::rebalance;
      inputs.push_back("other");
    }
    auto& timing = checkpoints().timing;
    timing.interval = 20ms;
    timing.timeout = 50ms;
    timing.concurrent = 1 + at_most(2);
    if (at_most(2) == 0)
      timing.tolerated_failures = static_cast<std::uint32_t>(at_most(2));
    checkpoints().keep = 1 + at_most(2);
    plan.restart = weir::fixed_delay_restart{.max_restarts = 1'000'000, .delay = 10ms};
    // What is committed is stored, or is part of one that is.
    world.watch([this](caf::scheduled_actor&, const caf::type_erased_tuple& what) {
      if (what.match_elements<weir::commit_request>()) {
        const auto ids = stored();
        BOOST_TEST((!ids.empty() && ids.back() >= what.get_as<weir::commit_request>(0).checkpoint),
                   name());
      }
    });
    // In the order of messages, or in any.
    if (at_most(1) == 0)
      world.shuffle(seed);
  }

  ~random_kept_job() { leave(); }

  std::size_t at_most(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>{0, n}(random);
  }
  bool one_of(std::size_t n) { return at_most(n - 1) == 0; }

  // -- starts and ends --

  expected<std::shared_ptr<weir::launch_state>> newest() {
    const auto ids = stored();
    if (ids.empty())
      return std::shared_ptr<weir::launch_state>{};
    auto from = checkpoints().store->load(1, ids.back());
    if (!from)
      return std::move(from).why();
    BOOST_TEST((from->about.kind != checkpoint_kind::finished),
               "what is finished is gone on from, " << name());
    log.note("from " + std::to_string(ids.back()));
    all.from_0 += ids.back() == 0 ? 1 : 0;
    return weir::state_for(plan, *std::move(from));
  }

  void start_process() {
    memory->at_each_step(nullptr);
    describe();
    log.take();
    checkpoints().from = *newest();
    weir::keeper_settings how{settings};
    auto queue = std::make_unique<weir::queued_work>(world);
    work = queue.get();
    how.on = std::move(queue);
    how.newest = [this] { return newest(); };
    keeper = std::make_unique<weir::job_keeper>(world.system(), plan, std::move(how));
    was_told_to_end = false;
    ++all.starts;
    const auto mistakes
      = keeper->start([this](weir::job_result with) { result = std::move(with); });
    BOOST_TEST_REQUIRE(mistakes.empty());
    world.run();
  }

  /// The job has ended: what it says of that is true.
  void look_at_end() {
    work->hold(false);
    world.run();
    const auto& how = *result;
    ++all.ends[static_cast<int>(how.end)];
    all.restarts += how.restarts;
    // A first launch that does not begin is not repeated.
    if (how.end == job_end::failed && !was_told_to_end && how.checkpoint)
      BOOST_TEST(has_not_begun(), "it gave up, " << name() << ": " << how.text());
    if (how.end == job_end::stopped || how.end == job_end::drained
        || how.end == job_end::cancelled)
      BOOST_TEST(was_told_to_end, name());
    look_at_counts();
    leave();
  }

  void look_at_counts() {
    std::istringstream lines{log.peek()};
    std::optional<std::uint64_t> last;
    std::uint64_t made = 0;
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words{line};
      std::string verb;
      std::uint64_t id = 0;
      words >> verb >> id;
      const bool is_write = verb == "write" && line.find(':') == std::string::npos;
      if (!is_write && verb != "from")
        continue;
      last = id;
      if (is_write && id > 0 && line.find("finished") == std::string::npos)
        ++made;
    }
    BOOST_TEST((result->checkpoint == last),
               name() << ": " << job_fixture::text(*result) << " and not at "
                      << (last ? std::to_string(*last) : "none") << "\n"
                      << log.peek());
    const auto counted = keeper->status().checkpoints.value();
    BOOST_TEST(counted.completed == made, name() << "\n" << log.peek());
  }

  bool has_not_begun() const {
    // Nothing was read: no source was polled in this process.
    return log.peek().find("call ") == std::string::npos;
  }

  void leave() {
    if (keeper && !result) {
      keeper->cancel();
      work->hold(false);
      world.run();
      BOOST_TEST(result.has_value(), name());
    }
    keeper.reset();
    work = nullptr;
    result.reset();
    for (auto& [who, of] : functions)
      of.held.clear();
  }

  // -- what happens --

  template <class Outcome>
  void settle(std::size_t n, Outcome outcome) {
    for (; n > 0; --n) {
      std::vector<weir::testing::function_script*> busy;
      for (auto& [who, of] : functions)
        if (!of.held.empty())
          busy.push_back(&of);
      if (busy.empty())
        return;
      auto& held = busy[at_most(busy.size() - 1)]->held;
      auto at = held.begin();
      std::advance(at, at_most(held.size() - 1));
      // Calls of launches that are gone are among them.
      const auto record = at->first;
      auto [first, last] = held.equal_range(record);
      std::vector<weir::result_future<int>> futures;
      for (; first != last; ++first)
        futures.push_back(std::move(first->second));
      held.erase(record);
      for (auto& each : futures)
        outcome(record, each);
    }
  }

  void complete_some(std::size_t n) {
    settle(n, [](int record, weir::result_future<int>& of) { of.complete(10 * record); });
    some_steps();
  }

  void fail_one() {
    settle(1, [](int, weir::result_future<int>& of) { of.fail({"io", "service", "it is away"}); });
    some_steps();
  }

  /// Until nothing more happens, or for a moment alone.
  void some_steps() {
    if (!one_of(3)) {
      world.run();
      return;
    }
    for (auto steps = at_most(20); steps > 0 && world.step(); --steps) {
    }
  }

  void push_some() {
    const auto which = at_most(inputs.size() - 1);
    auto& script = sources[inputs[which]];
    for (auto n = 1 + at_most(4); n > 0 && pushed[which] < records; --n)
      script.items.push_back({first_of(which) + pushed[which]++});
    script.ended = pushed[which] == records && one_of(2);
    fds.make_ready(script.fd);
    some_steps();
  }

  void act() {
    switch (at_most(15)) {
      case 0:
      case 1:
        push_some();
        break;
      case 2:
      case 3:
      case 4:
        complete_some(1 + at_most(3));
        break;
      case 5:
      case 6:
        advance(std::chrono::milliseconds{1 + at_most(30)});
        break;
      case 7:
        let_store_fail(one_of(2) ? "write" : one_of(2) ? "load" : "remove", 1 + int(at_most(2)));
        break;
      case 8:
        work->hold(one_of(2));
        some_steps();
        break;
      case 9:
        // Something is due, and is not handled to its end.
        world.advance_without_running(20ms);
        world.trigger_timers();
        for (auto steps = at_most(30); steps > 0 && world.step(); --steps) {
        }
        break;
      case 10:
        fail_one();
        break;
      case 11:
        break_disk();
        break;
      case 12:
        for (const auto& each : inputs)
          sources[each].position_error
            = one_of(2) ? std::optional{error{"io", "in", "not now"}} : std::nullopt;
        break;
      case 13:
        fail_while_it_writes();
        break;
      case 14:
        if (one_of(4))
          sources[inputs.back()].poll_error = error{"io", "in", "it cannot be read"};
        some_steps();
        sources[inputs.back()].poll_error.reset();
        break;
      case 15:
        if (one_of(2))
          tell_to_end();
        break;
    }
  }

  void break_disk() {
    to.commit_rounds = static_cast<int>(at_most(5));
    switch (at_most(5)) {
      case 0:
        to.loses_output = true;
        break;
      case 1:
        to.fails_to_write = true;
        break;
      case 2:
        to.fails_to_commit = true;
        break;
      case 3:
        to.fails_to_recover = true;
        break;
      case 4:
        to.waits_to_prepare = one_of(2);
        break;
      case 5:
        to.waits_to_commit = one_of(2);
        break;
    }
    fds.make_ready(to.fd);
    some_steps();
  }

  /// A record fails the launch while the store is at a checkpoint, and it is gone before that is written.
  void fail_while_it_writes() {
    memory->at_each_step([this](std::string_view at) -> expected<void> {
      if (at != "write")
        return {};
      const bool any = std::any_of(functions.begin(), functions.end(),
                                   [](const auto& each) { return !each.second.held.empty(); });
      all.late += any ? 1 : 0;
      settle(1, [](int, weir::result_future<int>& of) { of.fail({"io", "service", "it is away"}); });
      world.run_messages();
      memory->at_each_step(nullptr);
      return {};
    });
  }

  void tell_to_end() {
    was_told_to_end = true;
    switch (at_most(3)) {
      case 0:
      case 1:
        keeper->stop();
        break;
      case 2:
        keeper->drain(std::chrono::milliseconds{at_most(100)});
        break;
      case 3:
        keeper->cancel();
        break;
    }
    some_steps();
    if (one_of(2))
      return;
    // Whatever holds it up but the store, a second and the timeouts are all that it takes.
    work->hold(false);
    for (int i = 0; i < 3 && !result; ++i)
      advance(600ms);
    BOOST_TEST_REQUIRE(result.has_value(), "it does not end, " << name() << "\n" << log.peek());
  }

  /// Faults have stopped.
  void finish() {
    to.fails_to_write = to.fails_to_commit = to.fails_to_recover = to.loses_output = false;
    to.waits_to_prepare = to.waits_to_commit = false;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      auto& script = sources[inputs[i]];
      script.position_error.reset();
      for (; pushed[i] < records;)
        script.items.push_back({first_of(i) + pushed[i]++});
      script.ended = true;
    }
    for (int i = 0; i < 1000; ++i) {
      if (result && result->end == job_end::done) {
        look_at_end();
        return;
      }
      if (result)
        look_at_end();
      if (!keeper)
        start_process();
      memory->at_each_step(nullptr);
      work->hold(false);
      for (const auto& each : inputs)
        fds.make_ready(sources[each].fd);
      fds.make_ready(to.fd);
      settle(100, [](int record, weir::result_future<int>& of) { of.complete(10 * record); });
      advance(20ms);
    }
    BOOST_TEST_REQUIRE(false, "it never is done, " << name());
  }

  bool is_done() {
    const auto ids = stored();
    return !ids.empty() && about(ids.back()).kind == checkpoint_kind::finished;
  }

  /// What is wrong with the output, else nothing.
  std::string fault() const {
    std::vector<int> wanted;
    for (std::size_t i = 0; i < inputs.size(); ++i)
      for (int n = 0; n < records; ++n)
        wanted.push_back(10 * (first_of(i) + n));
    auto got = to.visible;
    if (instances == 1 && inputs.size() == 1 && got != wanted)
      return "it is not in order";
    std::sort(got.begin(), got.end());
    if (got != wanted)
      return std::to_string(got.size()) + " records are visible, and not "
             + std::to_string(wanted.size());
    return to.hidden.empty() ? "" : "some is hidden";
  }

  static int first_of(std::size_t input) { return input == 0 ? 1 : 1001; }
  std::string name() const { return "seed " + std::to_string(seed_of_this); }

  static constexpr int records = 20;

  std::mt19937_64 random;
  tally& all;
  std::uint64_t seed_of_this = 0;
  std::uint32_t instances = 1;
  std::vector<std::string> inputs{"in"};
  int pushed[2] = {};
  disk to;
  bool was_told_to_end = false;
  weir::queued_work* work = nullptr;
  std::unique_ptr<weir::job_keeper> keeper;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_kept_job_that_fails_anywhere_ends_and_counts_and_shows_each_record_once) {
  tally count;
  const auto of = weir::testing::seeds(1'000);
  for (auto seed = of.first; seed < of.first + of.count; ++seed) {
    random_kept_job job{seed, count};
    job.seed_of_this = seed;
    job.start_process();
    for (int i = 0; i < 80 && !(job.keeper == nullptr && job.is_done()); ++i) {
      if (job.result)
        job.look_at_end();
      else if (!job.keeper)
        job.start_process();
      else
        job.act();
    }
    if (job.result)
      job.look_at_end();
    if (job.keeper || !job.is_done())
      job.finish();
    const auto fault = job.fault();
    BOOST_TEST_REQUIRE(fault == "", "seed " << seed << ": " << fault);
    count.lost += static_cast<std::uint64_t>(job.to.lost);
    count.recovered += static_cast<std::uint64_t>(job.to.recovered);
    count.removed += static_cast<std::uint64_t>(job.to.removed);
  }
  BOOST_TEST_MESSAGE("starts " << count.starts << ", restarts " << count.restarts << ", done "
                               << count.ends[0] << ", failed " << count.ends[1] << ", drained "
                               << count.ends[2] << ", cancelled " << count.ends[3] << ", stopped "
                               << count.ends[4] << ", from 0 " << count.from_0 << ", lost "
                               << count.lost << ", recovered " << count.recovered << ", removed "
                               << count.removed << ", late " << count.late);
  // One seed alone need not meet all.
  if (of.count < 20)
    return;
  for (const auto each :
       {count.restarts, count.ends[0], count.ends[1], count.ends[2], count.ends[3], count.ends[4],
        count.from_0, count.lost, count.recovered, count.removed, count.late})
    BOOST_TEST(each > 0u);
}
