// SPDX-License-Identifier: Apache-2.0

// A staged port under chance: random edges, credit, records and control elements, against what each edge
// must get of them. `weir_actors_tests -t staged_random -- SEED` runs one seed alone.

#include "staged_port.hpp"

#include "weir/edge_steps.hpp"

#include "../support/seeds.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

namespace {

using weir::batch;
using weir::lane_target;

/// One edge, and the same as plain functions.
struct edge {
  std::vector<std::vector<int> (*)(int)> model;
  std::uint32_t first_lane = 0;
  std::uint32_t lanes = 1;
  bool keyed = false;
  bool multiplies = false;
  /// What must come, watermarks as negative numbers, and what has.
  std::vector<int> expected;
};

struct lane_state {
  std::int64_t credit = 0;
  /// The least that `credit` has ever been.
  std::int64_t lowest = 0;
  std::vector<int> got;
};

struct random_port {
  explicit random_port(std::uint64_t seed) : chance(seed) {
    std::vector<weir::edge_parts> parts;
    for (auto n = 1 + one_of(3); n > 0; --n)
      parts.push_back(make_edge());
    lanes.resize(next_lane);
    port = std::make_unique<weir::staged_port>(
      parts, std::make_unique<batch<int>>(), weir::batch_limits{1 + one_of(100), 1 << 16},
      [this](const lane_target& to, weir::batch_handle what) { receive(to.channel.number, *what.batch); });
  }

  std::size_t one_of(std::size_t n) { return chance() % n; }

  weir::edge_parts make_edge() {
    edge of;
    weir::edge_parts parts;
    for (auto n = one_of(4); n > 0; --n)
      add_step(of, parts);
    of.first_lane = next_lane;
    of.lanes = static_cast<std::uint32_t>(1 + one_of(3));
    for (std::uint32_t i = 0; i < of.lanes; ++i)
      parts.targets.push_back({{}, {next_lane++}});
    of.keyed = one_of(2) == 0;
    if (of.keyed)
      parts.keys = weir::keys_of<int>([](int x) { return x % 13; });
    edges.push_back(of);
    return parts;
  }

  void add_step(edge& of, weir::edge_parts& parts) {
    switch (one_of(3)) {
      case 0:
        of.model.push_back([](int x) { return std::vector{x + 1}; });
        parts.steps.push_back(weir::map_of<int>([](int x) { return x + 1; }));
        break;
      case 1:
        of.model.push_back([](int x) { return x % 3 == 0 ? std::vector<int>{} : std::vector{x}; });
        parts.steps.push_back(weir::filter_of<int>([](int x) { return x % 3 != 0; }));
        break;
      default:
        of.model.push_back([](int x) { return std::vector<int>(static_cast<std::size_t>(x % 4), x); });
        parts.steps.push_back(weir::flat_map_of<int>(of.model.back()));
        of.multiplies = true;
    }
  }

  void receive(std::uint32_t lane, weir::batch_base& of) {
    auto& all = static_cast<batch<int>&>(of);
    for (weir::batch_cursor at; !at.at_end(all);)
      if (at.at_control(all))
        lanes[lane].got.push_back(
          -static_cast<int>(all.controls()[at.control++].what.event_time().ms()));
      else
        lanes[lane].got.push_back(all.value(at.record++));
    auto& [credit, lowest, got] = lanes[lane];
    credit -= std::max<std::int64_t>(static_cast<std::int64_t>(all.records()), 1);
    lowest = std::min(lowest, credit);
  }

  void step() {
    switch (one_of(8)) {
      case 0: {
        const auto lane = static_cast<std::uint32_t>(one_of(lanes.size()));
        const auto more = static_cast<std::int64_t>(one_of(150));
        lanes[lane].credit += more;
        port->grant(lane, {more, 1 << 16}, {});
        break;
      }
      case 1:
        emit_watermark();
        break;
      case 2:
        port->run_steps();
        break;
      case 3:
        port->flush();
        break;
      default:
        for (auto n = one_of(100); n > 0 && port->has_room(); --n)
          emit(++emitted);
    }
  }

  void emit(int x) {
    port->emit(x, weir::event_time::none(), {static_cast<std::uint64_t>(x), 0, 0});
    for (auto& each : edges) {
      std::vector<int> now{x};
      for (const auto f : each.model) {
        std::vector<int> then;
        for (const auto y : now)
          for (const auto z : f(y))
            then.push_back(z);
        now = std::move(then);
      }
      each.expected.insert(each.expected.end(), now.begin(), now.end());
    }
  }

  void emit_watermark() {
    port->emit(weir::control::watermark(weir::event_time{++watermarks}));
    for (auto& each : edges)
      each.expected.push_back(-watermarks);
  }

  void check(const edge& of) {
    std::vector<int> all;
    for (auto lane = of.first_lane; lane < of.first_lane + of.lanes; ++lane) {
      const auto& got = lanes[lane].got;
      // What comes to a lane is a part of what comes to the edge, in its order, watermarks included.
      auto at = of.expected.begin();
      for (const auto x : got) {
        at = std::find(at, of.expected.end(), x);
        BOOST_TEST_REQUIRE((at != of.expected.end()));
        ++at;
        if (of.keyed && x > 0)
          BOOST_TEST_REQUIRE(weir::instance_of_group(weir::key_group(weir::hash_of_key(x % 13)), of.lanes)
                             == lane - of.first_lane);
        if (x > 0 || lane == of.first_lane)
          all.push_back(x);
      }
      BOOST_TEST_REQUIRE(std::count_if(got.begin(), got.end(), [](int x) { return x < 0; })
                         == watermarks);
      // Only one record's results overdraw; three flat_maps make at most 27 of it here.
      BOOST_TEST_REQUIRE(lanes[lane].lowest >= (of.multiplies ? -26 : 0));
    }
    auto expected = of.expected;
    std::sort(expected.begin(), expected.end());
    std::sort(all.begin(), all.end());
    BOOST_TEST_REQUIRE((all == expected));
  }

  void run() {
    for (int n = 0; n < 300; ++n)
      step();
    // What still waits goes with enough credit.
    for (std::uint32_t lane = 0; lane < lanes.size(); ++lane) {
      lanes[lane].credit += 1000;
      port->grant(lane, {1000, 1 << 20}, {});
    }
    port->flush();
    BOOST_TEST_REQUIRE(!port->failure());
    BOOST_TEST_REQUIRE(!port->has_unsent());
    for (const auto& each : edges)
      check(each);
  }

  std::mt19937_64 chance;
  std::vector<edge> edges;
  std::vector<lane_state> lanes;
  std::uint32_t next_lane = 0;
  std::unique_ptr<weir::output_port> port;
  int emitted = 0;
  int watermarks = 0;
};

} // namespace

BOOST_AUTO_TEST_SUITE(staged_random)

BOOST_AUTO_TEST_CASE(every_edge_gets_what_it_must_in_order_and_within_its_credit) {
  const auto [first, count] = weir::testing::seeds(1000);
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      random_port{seed}.run();
    }
}

BOOST_AUTO_TEST_SUITE_END()
