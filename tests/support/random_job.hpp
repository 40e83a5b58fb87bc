// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A whole job that chance drives: source -> `a` (calls) -> `b` (asks a pool) -> sink, dead letters of both
/// to sinks of their own. One seed decides the settings, the order in which actors run, latencies, errors
/// and how the job ends; the same seed gives the same run. What must hold at every moment is checked on
/// the messages between the actors; `check_accounts` looks at the end.

#include "job_fixture.hpp"

#include <random>
#include <set>

namespace weir::testing {

struct random_job : job_fixture {
  enum class ending { done, drained, cancelled };

  static constexpr int partner = 1'000'000;

  explicit random_job(std::uint64_t seed) : chance(seed), how(ending{static_cast<int>(seed % 3)}) {
    plan.batches = {1 + one_of(8), 1 << 16};
    mode_a = one_of(2) == 0 ? output_mode::ordered : output_mode::unordered;
    mode_b = one_of(2) == 0 ? output_mode::ordered : output_mode::unordered;
    add_pool("store");
    drivers["store"].window = 1 + one_of(8);
    add_source("in").watermarks = bounded_out_of_orderness(ms{50}, ms{one_of(3)});
    set(add_operator("a", mode_a, 1 + static_cast<std::uint32_t>(one_of(3))));
    set(add_operator("b", mode_b, 1 + static_cast<std::uint32_t>(one_of(3))));
    add_sink("out");
    add_dead_letter_sink("a", "dead a");
    add_dead_letter_sink("b", "dead b");
    for (const auto* name : {"a", "a.1", "a.2"})
      functions[name].answer = [&held = functions[name].held](int value, result_future<int> done) {
        if (value % 7 == 0)
          done.complete(value);
        else
          held.emplace(value, std::move(done));
      };
    for (const auto* name : {"b", "b.1", "b.2"})
      functions[name].asks_pool = true;
    for (const auto* name : {"out", "dead a", "dead b"})
      sinks[name].appetite = one_of(10);
    records = 20 + static_cast<int>(one_of(60));
    world.shuffle(chance());
    world.watch([this](caf::scheduled_actor& to, const caf::type_erased_tuple& what) {
      if (what.match_elements<channel_id, batch_handle>())
        check_batch(to, what.get_as<channel_id>(0).number, *what.get_as<batch_handle>(1).batch);
    });
  }

  /// Runs it to its end. What happened, for comparison.
  std::string run() {
    BOOST_REQUIRE(try_to_start().empty());
    std::string trace;
    for (int n = 0; !result; ++n) {
      BOOST_REQUIRE_MESSAGE(n < 100'000, "the job does not end");
      act();
      for (auto steps = one_of(6); steps > 0; --steps)
        world.step();
      check_bounds();
      trace += log.take();
    }
    world.run();
    return trace + log.take() + std::to_string(world.steps());
  }

  void check_accounts() {
    BOOST_TEST(world.actors() == 0u);
    const bool committed = sinks["out"].ended_by == "commit";
    for (const auto* name : {"out", "dead a", "dead b"})
      BOOST_TEST(sinks[name].ended_by == (committed ? "commit" : "abandon"));
    BOOST_TEST(committed == (result->end == job_end::done || result->end == job_end::drained));
    std::map<int, int> fates;
    for (const auto* name : {"out", "dead a", "dead b"})
      for (const auto value : written(name))
        ++fates[value];
    for (const auto& [value, times] : fates)
      BOOST_TEST(times == 1, value << " came out " << times << " times");
    const auto given = static_cast<int>(sources["in"].given);
    if (result->end == job_end::done)
      BOOST_TEST(given == records);
    if (committed && result->left_behind == 0)
      for (int value = 0; value < given; ++value)
        check_fate(value, fates);
    if (committed && how == ending::drained)
      BOOST_TEST(result->left_behind + fates.size() == sources["in"].given);
    if (mode_a == output_mode::ordered && mode_b == output_mode::ordered && instances("a") == 1
        && instances("b") == 1)
      BOOST_TEST(is_in_order(written()));
  }

private:
  std::uint64_t one_of(std::uint64_t n) { return chance() % n; }

  std::size_t instances(const std::string& name) const {
    for (const auto& each : plan.stages)
      if (each.name == name)
        return plan.instances(each);
    return 0;
  }

  void set(operator_options& of) {
    of.capacity = 1 + one_of(10);
    of.max_concurrent_calls = 1 + one_of(of.capacity);
    of.timeout = ms{20 + one_of(100)};
    of.retry
      = fixed_delay{static_cast<std::uint32_t>(1 + one_of(2)), ms{1 + one_of(10)}, any_error()};
    of.on_failure = failure_action::dead_letter;
  }

  /// A drained run counts exactly: there every record becomes one.
  bool becomes_none(int value) const {
    return how != ending::drained && value % 7 != 0 && value % 17 == 3;
  }
  bool becomes_two(int value) const {
    return how != ending::drained && value % 7 != 0 && value % 13 == 5;
  }

  // -- what may happen next --

  void act() {
    switch (one_of(10)) {
      case 0:
        read_more();
        break;
      case 1:
      case 2:
      case 3:
        complete_one();
        break;
      case 4:
      case 5:
      case 6:
        answer_one();
        break;
      case 7:
        feed_one();
        break;
      case 8:
        if (one_of(2) == 0)
          world.advance_without_running(duration{one_of(20'000'000)});
        break;
      case 9:
        interfere();
        break;
    }
  }

  void read_more() {
    auto& in = sources["in"];
    for (auto n = one_of(20); n > 0 && pushed < records; --n, ++pushed)
      in.items.push_back({pushed, event_time{1000 + 10 * pushed - static_cast<int>(one_of(40))}});
    in.ended = pushed == records;
    fds.make_ready(in.fd);
  }

  void complete_one() {
    auto& script = functions[one_of(3) == 0 ? "a" : one_of(2) == 0 ? "a.1" : "a.2"];
    if (script.held.empty())
      return;
    auto at = script.held.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(one_of(script.held.size())));
    const auto value = at->first;
    auto done = std::move(at->second);
    script.held.erase(at);
    if (one_of(5) == 0)
      done.fail({"refused", "service", ""});
    else if (becomes_none(value))
      done.complete_empty();
    else if (becomes_two(value))
      done.complete(std::vector{value, value + partner});
    else if (one_of(20) != 0)
      done.complete(value);
    // Else it is forgotten.
  }

  void answer_one() {
    auto& store = drivers["store"];
    if (!store.cancelled.empty() && one_of(2) == 0) {
      confirm(store);
    } else if (!store.held.empty()) {
      auto at = store.held.begin();
      std::advance(at, static_cast<std::ptrdiff_t>(one_of(store.held.size())));
      if (one_of(6) == 0)
        store.fail(at->first, "refused");
      else
        store.answer_with(at->first, at->first);
    }
  }

  /// A cancelled question gets its result all the same.
  static void confirm(driver_script& store) {
    const auto token = store.cancelled.back();
    store.cancelled.pop_back();
    for (auto at = store.held.begin(); at != store.held.end(); ++at) {
      if (at->second.token != token)
        continue;
      store.held.erase(at);
      store.give(token, error{error_kind::cancelled, "store", ""});
      return;
    }
  }

  void feed_one() {
    auto& to = sinks[one_of(2) == 0 ? "out" : one_of(2) == 0 ? "dead a" : "dead b"];
    to.appetite += one_of(20);
    fds.make_ready(to.fd);
  }

  void interfere() {
    if (how == ending::done || one_of(25) != 0 || std::exchange(interfered, true))
      return;
    if (how == ending::drained)
      runner->drain(ms{one_of(200)});
    else
      runner->cancel();
  }

  // -- what must hold --

  void check_bounds() {
    const auto now = runner->status();
    for (std::size_t i = 0; i < 2; ++i) {
      const auto& of = std::get<operator_plan>(plan.stages[1 + i].what).options;
      const auto parallel = instances(of.name);
      BOOST_REQUIRE(now.operators[i].queued <= of.capacity * parallel);
      BOOST_REQUIRE(now.operators[i].in_flight <= of.max_concurrent_calls.value_or(of.capacity) * parallel);
    }
    BOOST_REQUIRE(drivers["store"].most_held <= drivers["store"].window);
  }

  void check_batch(const caf::scheduled_actor& to, std::uint32_t channel, const batch_base& in) {
    BOOST_REQUIRE(in.records() <= plan.batches.records + 1);
    const auto* of = dynamic_cast<const batch<int>*>(&in);
    if (of == nullptr)
      return;
    auto& seen = channels[{to.id(), channel}];
    BOOST_REQUIRE_MESSAGE(!seen.ended, "something followed the end");
    const bool ordered = comes_in_order(to);
    std::size_t next = 0;
    for (std::size_t i = 0; i <= in.records(); ++i) {
      for (; next < in.controls().size() && in.controls()[next].before == i; ++next) {
        const auto& what = in.controls()[next].what;
        if (what.kind() == control_kind::watermark) {
          BOOST_REQUIRE((what.event_time() > seen.watermark));
          seen.watermark = what.event_time();
        }
        seen.ended = seen.ended || what.kind() == control_kind::end;
      }
      if (i == in.records())
        break;
      BOOST_REQUIRE_MESSAGE((of->timestamp(i) > seen.watermark), "a watermark overtook a record");
      const auto place = of->value(i) % partner;
      if (ordered) {
        BOOST_REQUIRE_MESSAGE(place >= seen.last, place << " came behind " << seen.last);
        seen.last = place;
      }
    }
    BOOST_REQUIRE(next == in.controls().size());
  }

  /// Whether records come to this actor in their order on each of its channels.
  bool comes_in_order(const caf::scheduled_actor& to) const {
    if (mode_a != output_mode::ordered)
      return false;
    if (std::string{to.name()} != "weir.sink")
      return true;
    // An instance of `b` with several channels takes from them as batches come.
    const bool merges = instances("a") != instances("b") && instances("a") > 1;
    return mode_b == output_mode::ordered && !merges;
  }

  static bool is_in_order(const std::vector<int>& values) {
    return std::is_sorted(values.begin(), values.end(),
                          [](int x, int y) { return x % partner < y % partner; });
  }

  void check_fate(int value, const std::map<int, int>& fates) const {
    const bool came_out = fates.count(value) > 0;
    const auto second = fates.count(value + partner);
    if (becomes_none(value))
      return;
    BOOST_TEST(came_out, value << " is lost");
    if (!becomes_two(value))
      BOOST_TEST(second == 0u);
    else if (std::count(dead_a().begin(), dead_a().end(), value) == 0)
      BOOST_TEST(second == 1u, value + partner << " is lost");
  }

  const std::vector<int>& dead_a() const { return sinks.at("dead a").values; }

  struct channel_state {
    event_time watermark;
    int last = -1;
    bool ended = false;
  };

  std::mt19937_64 chance;
  ending how;
  output_mode mode_a{};
  output_mode mode_b{};
  int records = 0;
  int pushed = 0;
  bool interfered = false;
  std::map<std::pair<caf::actor_id, std::uint32_t>, channel_state> channels;
};

} // namespace weir::testing
