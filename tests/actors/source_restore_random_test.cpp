// SPDX-License-Identifier: Apache-2.0

// What a source promises over crashes, under chance: a seed decides how it is set, what comes, what has
// room, when checkpoints are made and after which of them it crashes and goes on. One that fails is
// printed; `weir_actors_tests -t random_source_restores -- SEED` runs it alone.

#include "../support/seeds.hpp"
#include "../support/source_rig.hpp"

#include "weir/edge_steps.hpp"
#include "weir/event_time_steps.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>

using namespace std::chrono_literals;
using weir::control_kind;
using weir::event_time;
using weir::testing::source_rig;

namespace {

/// How often was gone on from what.
struct met {
  std::size_t restores = 0;
  std::size_t idle = 0;
  std::size_t ended = 0;
  std::size_t with_watermark = 0;
  /// Crashes that took elements away which had left.
  std::size_t took_back = 0;
};

struct random_source : source_rig {
  random_source(std::uint64_t seed, met& of) : chance(seed), seen(of) {
    batches = {1 + one_of(8), 1 << 16};
    if (one_of(2) == 0)
      add_dead_letters();
    const weir::duration interval = one_of(3) * 10ms;
    switch (one_of(4)) {
      case 0:
        watermarks = weir::bounded_out_of_orderness(50ms, interval);
        break;
      case 1:
        watermarks = weir::ingestion_time(interval + 1ms);
        break;
      case 2:
        watermarks = weir::generated_watermarks{careful_generator{}, interval}.strategy();
        generator = weir::generator_of<int>(careful_generator{});
        break;
      default:
        break;
    }
    if (watermarks.kind != weir::watermark_kind::ingestion && one_of(2) == 0)
      times = weir::event_times_of<int>([](int x) { return event_time{5000 + 10 * x}; });
    watermarks.idle_after = one_of(3) * 20ms;
    script.span = 1 + one_of(30);
    batches = {1 + one_of(3), 100};
    first_credit = 1 + static_cast<std::int64_t>(one_of(10));
    world.shuffle(chance());
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

  bool has_ended() const {
    return std::all_of(left.begin(), left.end(), [](const auto& output) {
      return std::any_of(output.begin(), output.end(),
                         [](const element& each) { return each.what == weir::control::end(); });
    });
  }

  /// Runs to the end of the stream and somewhat beyond; how many acts there were. `cut`: behind this act
  /// it goes on from a checkpoint that is made then. `crashes`: it does so whenever chance says so.
  int run(std::optional<int> cut, bool crashes) {
    open();
    caf::anon_send(source(), weir::run_atom::value);
    int n = 0;
    for (int more = 12; more > 0; ++n) {
      BOOST_REQUIRE_MESSAGE(n < 100'000, "the stream does not end");
      act(crashes);
      for (auto steps = one_of(6); steps > 0; --steps)
        world.step();
      if (cut == n) {
        request(++asked);
        crash();
      }
      more -= has_ended();
    }
    world.run();
    check();
    return n;
  }

  void act(bool crashes) {
    switch (one_of(crashes ? 7 : 5)) {
      case 0:
        for (auto records = one_of(30); records > 0 && pushed < 100; --records, ++pushed)
          script.items.push_back({pushed,
                                  event_time{5000 + 10 * pushed - static_cast<int>(one_of(40))},
                                  one_of(10) == 0});
        script.ended = pushed == 100;
        [[fallthrough]];
      case 1:
        fds.make_ready(script.fd);
        break;
      case 2:
      case 3: {
        const auto output = static_cast<std::uint32_t>(one_of(left.size()));
        caf::anon_send(source(), weir::lane_id{output, 0},
                       weir::credit{static_cast<std::int64_t>(one_of(20)), 10'000},
                       weir::batch_handle{});
        break;
      }
      case 4:
        world.advance_without_running(one_of(30) * 1ms);
        break;
      case 5:
        send_request(++asked);
        break;
      default:
        if (!answers.empty() && one_of(4) == 0)
          crash();
    }
  }

  /// And goes on from the newest checkpoint.
  void crash() {
    const auto& [checkpoint, from] = *answers.rbegin();
    const auto& said = from.summary->times.value();
    ++seen.restores;
    seen.idle += said.idle;
    seen.ended += said.ended;
    seen.with_watermark += said.watermark.has_value();
    kill();
    answers.erase(answers.upper_bound(checkpoint), answers.end());
    for (std::size_t output = 0; output < left.size(); ++output) {
      seen.took_back += left[output].size() > from.left_before[output] + 1;
      left[output].resize(from.left_before[output]);
    }
    // Another machine's clock.
    wall_offset = (static_cast<int>(one_of(200)) - 100) * 1ms;
    open(from.summary);
    caf::anon_send(source(), weir::run_atom::value);
  }

  void check() {
    std::set<int> all;
    for (const auto& output : left) {
      std::vector<int> values;
      for (const auto& each : output)
        if (each.value)
          values.push_back(*each.value);
      BOOST_TEST(std::is_sorted(values.begin(), values.end()));
      for (const auto value : values)
        BOOST_REQUIRE_MESSAGE(all.insert(value).second, value << " has left twice");
      check(output, &output == &left.front());
    }
    if (left.size() > 1)
      BOOST_TEST(all.size() == 100u);
  }

  static void check(const std::vector<element>& output, bool are_records) {
    event_time watermark;
    bool idle = false;
    bool ended = false;
    for (const auto& each : output) {
      if (each.what && each.what->kind() == control_kind::barrier)
        continue;
      // Where it goes on behind the end, that comes again.
      BOOST_REQUIRE_MESSAGE(!ended || each.what == weir::control::end(),
                            "something follows the end");
      if (each.value) {
        BOOST_REQUIRE_MESSAGE(!idle, "a record comes while the stream is idle");
        if (are_records)
          BOOST_REQUIRE_MESSAGE((each.timestamp > watermark), "a watermark overtook a record");
        continue;
      }
      switch (each.what->kind()) {
        case control_kind::watermark:
          BOOST_REQUIRE_MESSAGE((each.what->event_time() > watermark), "a watermark went back");
          BOOST_REQUIRE_MESSAGE(!idle, "a watermark comes while the stream is idle");
          watermark = each.what->event_time();
          break;
        case control_kind::idle:
        case control_kind::active:
          BOOST_REQUIRE_MESSAGE(idle == (each.what->kind() == control_kind::active),
                                "a status repeats what is so already");
          idle = !idle;
          break;
        case control_kind::barrier:
          break;
        case control_kind::end:
          ended = true;
          break;
      }
    }
    BOOST_TEST(ended);
  }

  std::mt19937_64 chance;
  met& seen;
  int pushed = 0;
  std::uint64_t asked = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(random_source_restores)

BOOST_AUTO_TEST_CASE(what_a_source_promises_holds_over_crashes) {
  const auto [first, count] = weir::testing::seeds(500);
  met seen;
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_source{seed, seen}.run({}, true);
    }
  // Few show too little.
  if (count < 200)
    return;
  BOOST_TEST(seen.restores > 2 * count);
  BOOST_TEST(seen.idle > count / 20);
  BOOST_TEST(seen.ended > count / 20);
  BOOST_TEST(seen.with_watermark > count / 2);
  BOOST_TEST(seen.took_back > count / 2);
}

BOOST_AUTO_TEST_CASE(a_source_can_be_cut_at_every_step) {
  const auto [first, count] = weir::testing::seeds(20);
  met seen;
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto acts = random_source{seed, seen}.run({}, false);
      for (int cut = 0; cut < acts; ++cut)
        BOOST_TEST_CONTEXT("cut behind act " << cut) {
          random_source{seed, seen}.run(cut, false);
        }
    }
  BOOST_TEST(seen.restores > 10 * count);
}

BOOST_AUTO_TEST_SUITE_END()
