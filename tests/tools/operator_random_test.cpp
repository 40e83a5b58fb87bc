// SPDX-License-Identifier: Apache-2.0

/// Random scenarios: the machine must do what the reference model does, in the usual order of events and in
/// others, with room downstream and without, and keep the promises that its traces show.
/// `weir_operator_random_tests -- SEED [CASES]` starts elsewhere.

#include "../support/random_scenario.hpp"
#include "../support/scenario_text.hpp"
#include "../support/seeds.hpp"

#include "exploration.hpp"
#include "reference_model.hpp"
#include "scenario_reader.hpp"
#include "trace_check.hpp"
#include "trace_checker.hpp"
#include "trace_text.hpp"

#include "weir/machine_simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

namespace {

using namespace weir;
using namespace weir::simulation;
using namespace weir::simulation::testing;

/// Each scenario runs in so many other orders.
constexpr std::uint64_t other_orders = 2;

/// What is wrong with the machine's runs of the scenario; empty: nothing.
std::string fault(const scenario& what) {
  const auto usual = simulate(what);
  if (!usual)
    return "it is not run: " + usual.why().text() + "\n";
  const auto expected = run_reference_model(what);
  if (const auto wrong = tool::difference_text(expected, *usual)
                         + tool::account_difference_text(expected, *usual);
      !wrong.empty())
    return wrong;
  if (const auto broken = first_violation(what, *usual))
    return *broken + "\n";
  const auto others = tool::explore(what, {1, other_orders});
  return others && others->found ? tool::exploration_text(what, *others, "FILE") : "";
}

bool is_valid(const scenario& what) {
  return simulate(what).has_value();
}

/// Leaves out of the scenario what does not matter to the fault.
scenario shrink(scenario s) {
  const auto try_without = [&](auto change) {
    auto smaller = s;
    change(smaller);
    if (!is_valid(smaller) || fault(smaller).empty())
      return false;
    s = std::move(smaller);
    return true;
  };
  for (std::size_t i = 0; i < s.input.size();)
    if (!try_without([&](scenario& x) { x.input.erase(x.input.begin() + static_cast<long>(i)); }))
      ++i;
  const auto service = s.service;
  for (const auto& [value, answers] : service)
    try_without([&of = value](scenario& x) { x.service.erase(of); });
  for (const auto& [value, answers] : service)
    for (auto n = answers.size(); n > 1; --n)
      try_without([&of = value, n](scenario& x) { x.service[of].resize(n - 1); });
  try_without([](scenario& x) { x.room.reset(); });
  for (std::size_t i = 0; s.room && i < s.room->size();)
    if (!try_without([&](scenario& x) { x.room->erase(x.room->begin() + static_cast<long>(i)); }))
      ++i;
  try_without([](scenario& x) { x.with.retry = {}; });
  try_without([](scenario& x) { x.with.failure_rules.clear(); });
  try_without([](scenario& x) { x.with.on_timeout = {}; });
  try_without([](scenario& x) { x.with.keeps_retrying = false; });
  try_without([](scenario& x) { x.with.max_concurrent_calls.reset(); });
  try_without([](scenario& x) { x.with.capacity_bytes.reset(); });
  try_without([](scenario& x) { x.with.capacity = 100, x.with.max_concurrent_calls.reset(); });
  try_without([](scenario& x) { x.with.timeout = 0, x.with.retry = {}; });
  return s;
}

/// Reports the fault of the scenario, if it has one.
bool holds(const scenario& what, std::uint64_t seed) {
  if (fault(what).empty())
    return true;
  const auto small = shrink(what);
  BOOST_ERROR("seed " << seed << ":\n" << fault(small) << text_of(small));
  return false;
}

// -- room --

/// Whether nothing that is held back keeps others out.
bool is_roomy(const scenario& what) {
  const auto& with = what.with;
  return with.capacity == 100 && !with.max_concurrent_calls && !with.capacity_bytes
         && std::ranges::none_of(what.input, [](const scenario_input& line) {
              return std::holds_alternative<barrier_arrives>(line.what);
            });
}

bool same_but_for_times(const trace& one, const trace& other) {
  return std::ranges::equal(one.output, other.output, {}, &trace_output::what, &trace_output::what);
}

/// Lack of room changes nothing but when things leave.
bool room_changes_times_alone(const scenario& limited, std::uint64_t seed) {
  auto free = limited;
  free.room.reset();
  const auto with_room = simulate(free);
  const auto without = simulate(limited);
  if (without->failed)
    return true;
  if (with_room->calls == without->calls && same_but_for_times(*with_room, *without))
    return true;
  BOOST_ERROR("seed " << seed << ": lack of room changes more than times\n"
                      << tool::difference_text(*with_room, *without) << text_of(limited));
  return false;
}

// -- crashes --

/// The scenario with a barrier at this time, in front of line `place`, and a crash at once: another operator goes on
/// from the barrier.
scenario with_crash(const scenario& what, millis at, std::size_t place) {
  std::int64_t id = 1;
  for (const auto& line : what.input)
    if (const auto* barrier = std::get_if<barrier_arrives>(&line.what))
      id = std::max(id, barrier->id + 1);
  auto crashing = what;
  const scenario_input lines[]
    = {{at, barrier_arrives{id}}, {at, operator_restores{id, false, {}}}};
  crashing.input.insert(crashing.input.begin() + static_cast<std::ptrdiff_t>(place),
                        std::begin(lines), std::end(lines));
  return crashing;
}

/// All times at which something happens.
std::set<millis> times_of(const scenario& what) {
  std::vector<happening> log;
  std::set<millis> times;
  if (simulate(what, {.log = &log}))
    for (const auto& each : log)
      times.insert(each.at);
  return times;
}

/// Calls `to(scenario)` for a crash at each step: at each time at which something happens, in front of each line
/// that comes then, and behind them.
template <class To>
void crash_at_each_step(const scenario& what, To to) {
  for (const auto at : times_of(what)) {
    std::size_t place = 0;
    while (place < what.input.size() && what.input[place].at < at)
      ++place;
    for (; place < what.input.size() && what.input[place].at == at; ++place)
      to(with_crash(what, at, place));
    to(with_crash(what, at, place));
  }
}

/// What is wrong with the machine's run of the scenario in the usual order; empty: nothing.
std::string fault_in_usual_order(const scenario& what) {
  const auto usual = simulate(what);
  if (!usual)
    return "it is not run: " + usual.why().text() + "\n";
  const auto expected = run_reference_model(what);
  return tool::difference_text(expected, *usual) + tool::account_difference_text(expected, *usual)
         + first_violation(what, *usual).value_or("");
}

// -- what chance makes --

/// How many records are in back-off when the end of input comes.
std::ptrdiff_t backed_off_at_end(const scenario& what) {
  std::vector<happening> log;
  if (!simulate(what, {.log = &log}))
    return 0;
  std::map<std::size_t, happening_kind> last;
  for (const auto& each : log) {
    if (std::holds_alternative<end_arrives>(what.input[each.element].what))
      break;
    last[each.element] = each.what;
  }
  return std::ranges::count(last, happening_kind::backs_off, [](const auto& x) { return x.second; });
}

bool restores(const scenario& what, bool call_all) {
  return std::ranges::any_of(what.input, [&](const scenario_input& line) {
    const auto* how = std::get_if<operator_restores>(&line.what);
    return how != nullptr && how->call_all == call_all;
  });
}

} // namespace

BOOST_AUTO_TEST_SUITE(operator_random)

BOOST_AUTO_TEST_CASE(the_machine_does_what_the_model_does) {
  const auto [first, count] = weir::testing::seeds(16'000);
  const auto end = first + count;
  BOOST_TEST_MESSAGE("seeds " << first << " to " << end - 1);
  for (auto seed = first; seed < end; ++seed) {
    scenario_generator random{seed};
    auto what = random.next();
    if (!holds(what, seed))
      return;
    what.room = random.room();
    if (!holds(what, seed))
      return;
    if (is_roomy(what) && !room_changes_times_alone(what, seed))
      return;
  }
}

BOOST_AUTO_TEST_CASE(after_a_crash_at_any_step_it_goes_on_as_the_model_does) {
  const auto [first, count] = weir::testing::seeds(2'000);
  std::size_t crashes = 0;
  for (auto seed = first; seed < first + count; ++seed) {
    scenario_generator random{seed};
    auto what = random.next();
    // Rows of borders are long; a crash at each of them would be a test of patience.
    if (what.input.size() > 200)
      continue;
    if (seed % 2 == 0)
      what.room = random.room();
    std::string wrong;
    crash_at_each_step(what, [&](const scenario& crashing) {
      ++crashes;
      if (wrong.empty())
        if (wrong = fault_in_usual_order(crashing); !wrong.empty())
          wrong += text_of(crashing);
    });
    BOOST_TEST_REQUIRE(wrong == "", "seed " << seed << ":\n" << wrong);
  }
  BOOST_TEST_MESSAGE(crashes << " crashes");
  BOOST_TEST(crashes >= 10 * count);
}

BOOST_AUTO_TEST_CASE(chance_makes_what_is_hard) {
  std::map<std::string, int> seen;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const auto what = scenario_generator{seed}.next();
    const auto backed_off = backed_off_at_end(what);
    const bool one_call = what.with.max_concurrent_calls == 1u;
    const bool by_key = what.with.mode == scenario_mode::key_ordered;
    seen["5 in back-off at the end"] += backed_off >= 5;
    seen["5 in back-off at the end, 1 call"] += backed_off >= 5 && one_call;
    seen["5 in back-off at the end, by key"] += backed_off >= 5 && by_key;
    seen["5 in back-off at the end, kept"] += backed_off >= 5 && what.with.keeps_retrying;
    seen["1 call"] += one_call;
    seen["by key, resume"] += by_key && restores(what, false);
    seen["by key, call_all"] += by_key && restores(what, true);
    seen["1 call, resume"] += one_call && restores(what, false);
    seen["bytes, restored"] += what.with.capacity_bytes && restores(what, false);
    seen["rules for failures"] += !what.with.failure_rules.empty();
  }
  for (const auto& [what, times] : seen)
    BOOST_TEST(times >= 10, what << ": " << times);
}

BOOST_AUTO_TEST_CASE(chance_makes_borders_that_are_merged) {
  int merged = 0;
  int merged_by_restore = 0;
  for (std::uint64_t seed = 1; seed <= 20'000; ++seed) {
    const auto what = scenario_generator{seed}.next();
    if (what.input.size() < 900)
      continue;
    const auto borders = std::ranges::count_if(what.input, [](const scenario_input& line) {
      return std::holds_alternative<watermark_arrives>(line.what)
             || std::holds_alternative<status_arrives>(line.what);
    });
    const auto left = std::ranges::count_if(simulate(what)->output, [](const trace_output& line) {
      return std::holds_alternative<watermark_leaves>(line.what)
             || std::holds_alternative<status_leaves>(line.what);
    });
    merged += left < borders;
    merged_by_restore += left < borders && what.with.mode == scenario_mode::ordered;
  }
  BOOST_TEST(merged >= 5);
  BOOST_TEST(merged_by_restore >= 1);
}

BOOST_AUTO_TEST_CASE(what_chance_makes_is_in_the_language) {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    const auto what = scenario_generator{seed}.next();
    const auto hidden = hidden_text(what);
    const auto read = tool::parse_scenarios(text_of(what).substr(hidden.size()), "text");
    BOOST_REQUIRE_MESSAGE(read.mistakes.empty() && read.all.size() == 1,
                          "seed " << seed << ": " << (read.mistakes.empty() ? std::string{} : read.mistakes.front().text())
                                  << "\n" << text_of(what));
    if (hidden.empty())
      BOOST_TEST(tool::trace_json(*simulate(read.all.front().what))
                 == tool::trace_json(*simulate(what)));
  }
}

BOOST_AUTO_TEST_SUITE_END()
