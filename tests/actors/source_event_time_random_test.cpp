// SPDX-License-Identifier: Apache-2.0

// What event time promises, under chance: a seed decides how a source is set, what comes, what has room
// and when. One that fails is printed; `weir_actors_tests -t random_event_time -- SEED` runs it alone.

#include "../support/job_fixture.hpp"
#include "../support/seeds.hpp"

#include "weir/edge_steps.hpp"
#include "weir/event_time_steps.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

using namespace std::chrono_literals;
using weir::control_kind;
using weir::event_time;
using weir::testing::job_fixture;

namespace {

/// A source with any settings, whose records are answered, and whose time passes, as a seed says.
struct random_source : job_fixture {
  explicit random_source(std::uint64_t seed) : chance(seed) {
    plan.batches = {1 + one_of(8), 1 << 16};
    add_line().capacity = 1 + one_of(6);
    if (one_of(2) == 0)
      plan.edges[0].steps.push_back(weir::map_of<int>([](int x) { return x; }));
    if (one_of(4) == 0)
      plan.edges[0].steps.push_back(
        weir::flat_map_of<int>([](int x) { return std::vector<int>(x % 3 == 0 ? 0u : 1u, x); }));
    if (one_of(2) == 0)
      add_dead_letter_sink("in", "dead");
    auto& of = std::get<weir::source_plan>(plan.stages[0].what);
    const weir::duration interval = one_of(3) * 10ms;
    switch (one_of(4)) {
      case 0:
        of.watermarks = weir::bounded_out_of_orderness(50ms, interval);
        break;
      case 1:
        of.watermarks = weir::ingestion_time(interval + 1ms);
        break;
      case 2:
        of.watermarks = weir::generated_watermarks{careful_generator{}, interval}.strategy();
        of.generator = weir::generator_of<int>(careful_generator{});
        break;
      default:
        break;
    }
    if (of.watermarks.kind != weir::watermark_kind::ingestion && one_of(2) == 0)
      of.times = weir::event_times_of<int>([](int x) { return 5000 + 10 * x; });
    of.watermarks.idle_after = one_of(3) * 20ms;
    settings.wall_clock = [this] { return event_time{world.now().time_since_epoch() / 1ms}; };
    sources["in"].span = 1 + one_of(100);
    for (const auto* name : {"out", "dead"})
      sinks[name].appetite = one_of(10);
    world.shuffle(chance());
    world.watch([this](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
      if (what.match_elements<weir::channel_id, weir::batch_handle>())
        check(seen[to.id()], *what.get_as<weir::batch_handle>(1).batch);
    });
  }

  /// A watermark behind each fifth record, at a distance that the records keep to.
  struct careful_generator {
    event_time on_record(const int& record, event_time at) {
      newest = std::max(newest, at);
      return record % 5 == 0 ? on_interval({}) : event_time::none();
    }
    event_time on_interval(weir::time_point) {
      return newest.has_value() ? event_time{newest.ms() - 60} : newest;
    }
    event_time newest;
  };

  std::uint64_t one_of(std::uint64_t n) { return chance() % n; }

  void run() {
    BOOST_REQUIRE(try_to_start().empty());
    for (int n = 0; !result; ++n) {
      BOOST_REQUIRE_MESSAGE(n < 100'000, "the job does not end");
      act();
      for (auto steps = one_of(6); steps > 0; --steps)
        world.step();
    }
    world.run();
    BOOST_TEST_REQUIRE(result->ok(), result->text());
    BOOST_TEST(written("out").size() <= static_cast<std::size_t>(pushed));
    BOOST_TEST(std::is_sorted(written("out").begin(), written("out").end()));
    BOOST_TEST(std::is_sorted(written("dead").begin(), written("dead").end()));
    std::set<int> all(written("out").begin(), written("out").end());
    all.insert(written("dead").begin(), written("dead").end());
    BOOST_TEST(all.size() == written("out").size() + written("dead").size());
  }

  void act() {
    auto& in = sources["in"];
    switch (one_of(6)) {
      case 0:
        for (auto n = one_of(30); n > 0 && pushed < 100; --n, ++pushed)
          in.items.push_back({pushed, event_time{5000 + 10 * pushed - static_cast<int>(one_of(40))},
                              one_of(10) == 0});
        in.ended = pushed == 100;
        if (one_of(4) != 0)
          fds.make_ready(in.fd);
        break;
      case 1:
      case 2:
        if (auto& held = functions["op"].held; !held.empty()) {
          const auto record = held.begin()->first;
          functions["op"].take(record).complete(record);
        }
        break;
      case 3: {
        auto& to = sinks[one_of(2) == 0 ? "out" : "dead"];
        to.appetite += one_of(20);
        if (to.fd >= 0)
          fds.make_ready(to.fd);
        break;
      }
      case 4:
        if (in.ended)
          fds.make_ready(in.fd);
        break;
      default:
        world.advance_without_running(one_of(30) * 1ms);
    }
  }

  struct channel {
    event_time watermark;
    bool idle = false;
    bool ended = false;
  };

  static void check(channel& of, const weir::batch_base& in) {
    const auto* records = dynamic_cast<const weir::batch<int>*>(&in);
    for (weir::batch_cursor at; !at.at_end(in);) {
      BOOST_REQUIRE_MESSAGE(!of.ended, "something follows the end");
      if (!at.at_control(in)) {
        BOOST_REQUIRE_MESSAGE(!of.idle, "a record comes while the stream is idle");
        if (records != nullptr)
          BOOST_REQUIRE_MESSAGE((records->timestamp(at.record) > of.watermark),
                                "a watermark overtook a record");
        ++at.record;
        continue;
      }
      const auto& what = in.controls()[at.control++].what;
      switch (what.kind()) {
        case control_kind::watermark:
          BOOST_REQUIRE_MESSAGE((what.event_time() > of.watermark), "a watermark went back");
          BOOST_REQUIRE_MESSAGE(!of.idle, "a watermark comes while the stream is idle");
          of.watermark = what.event_time();
          break;
        case control_kind::idle:
        case control_kind::active:
          BOOST_REQUIRE_MESSAGE(of.idle == (what.kind() == control_kind::active),
                                "a status repeats what is so already");
          of.idle = !of.idle;
          break;
        case control_kind::barrier:
          BOOST_ERROR("nobody has asked for a barrier");
          break;
        case control_kind::end:
          of.ended = true;
          break;
      }
    }
  }

  std::mt19937_64 chance;
  std::map<caf::actor_id, channel> seen;
  int pushed = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(random_event_time)

BOOST_AUTO_TEST_CASE(what_event_time_promises_holds) {
  const auto [first, count] = weir::testing::seeds(500);
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source{seed}.run();
    }
}

BOOST_AUTO_TEST_SUITE_END()
