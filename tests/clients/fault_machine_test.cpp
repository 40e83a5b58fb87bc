// SPDX-License-Identifier: Apache-2.0

#include "weir/fault_machine.hpp"

#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace weir::testing {

namespace {

/// Speaks to a machine in virtual time and writes down what it does: `>1` a question goes to the store,
/// `x1` the store is to cancel one, `1=ok` and `1=cancelled` are results.
struct fault_machine_fixture {
  std::optional<fault_machine> machine;
  time_point now{};

  void start(const fault_settings& settings, std::size_t window = 100) {
    machine.emplace("airports", settings, window);
  }

  void submit(call_token token, time_point deadline = time_point::max()) {
    auto q = ask_with(token, std::int64_t{0}, deadline);
    machine->submit({&q, 1}, now);
  }

  void store_answers(call_token token) {
    call_result result{token, single(value{})};
    machine->receive({&result, 1}, now);
  }

  void cancel(std::vector<call_token> tokens) { machine->cancel(tokens); }

  void advance(duration by) { now += by; }

  std::string effects() {
    fault_machine::effects out;
    machine->advance(now, out);
    std::string line;
    const auto add = [&](const std::string& what) { line += (line.empty() ? "" : " ") + what; };
    for (const auto& q : out.submit)
      add(">" + std::to_string(q.token));
    for (const auto token : out.cancel)
      add("x" + std::to_string(token));
    for (const auto& result : out.results)
      add(std::to_string(result.token) + "="
          + (result.outcome ? "ok" : result.outcome.why().kind()));
    return line;
  }
};

constexpr fault_settings slow{.latency_min = 10ms, .latency_max = 10ms};
constexpr fault_settings failing{.latency_min = 10ms, .latency_max = 10ms, .errors = 1};
constexpr fault_settings hanging{.hangs = 1};

} // namespace

BOOST_FIXTURE_TEST_SUITE(fault_machines, fault_machine_fixture)

BOOST_AUTO_TEST_CASE(without_faults_calls_and_results_pass_at_once) {
  start({});
  submit(1);
  submit(2);
  BOOST_TEST(effects() == ">1 >2");
  store_answers(2);
  store_answers(1);
  BOOST_TEST(effects() == "1=ok 2=ok");
  BOOST_TEST((machine->next_due() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(a_result_is_held_back_for_the_latency) {
  start(slow);
  submit(1);
  BOOST_TEST(effects() == ">1");
  advance(3ms);
  store_answers(1);
  BOOST_TEST((machine->next_due() == now + 10ms));
  advance(10ms - 1ns);
  BOOST_TEST(effects().empty());
  advance(1ns);
  BOOST_TEST(effects() == "1=ok");
}

BOOST_AUTO_TEST_CASE(results_come_in_the_order_in_which_they_are_due) {
  const fault_settings settings{.latency_min = 1ms, .latency_max = 1s, .seed = 5};
  start(settings);
  std::vector<std::pair<duration, call_token>> due;
  fault_plan plan{settings};
  for (call_token token = 1; token <= 50; ++token) {
    due.emplace_back(plan.next().latency, token);
    submit(token);
  }
  effects();
  for (call_token token = 1; token <= 50; ++token)
    store_answers(token);
  std::sort(due.begin(), due.end());
  std::string wanted, seen;
  for (const auto& [latency, token] : due) {
    wanted += std::to_string(token) + "=ok ";
    BOOST_TEST((machine->next_due() == time_point{latency}));
    now = machine->next_due();
    seen += effects() + " ";
  }
  BOOST_TEST(seen == wanted);
}

BOOST_AUTO_TEST_CASE(an_injected_error_takes_its_latency_and_never_reaches_the_store) {
  start(failing);
  submit(1);
  BOOST_TEST(effects().empty());
  advance(10ms);
  BOOST_TEST(effects() == "1=injected");
}

BOOST_AUTO_TEST_CASE(a_hang_is_never_answered_until_it_is_cancelled) {
  start(hanging);
  submit(1);
  advance(1000h);
  BOOST_TEST(effects().empty());
  BOOST_TEST((machine->next_due() == time_point::max()));
  cancel({1});
  BOOST_TEST(effects() == "1=cancelled");
  cancel({1});
  BOOST_TEST(effects().empty());
}

BOOST_AUTO_TEST_CASE(the_store_never_has_more_than_its_window) {
  start({}, 2);
  for (call_token token = 1; token <= 4; ++token)
    submit(token);
  BOOST_TEST(effects() == ">1 >2");
  store_answers(2);
  BOOST_TEST(effects() == ">3 2=ok");
}

BOOST_AUTO_TEST_CASE(what_is_held_back_or_hangs_takes_no_place_in_the_store) {
  start(slow, 1);
  submit(1);
  submit(2);
  BOOST_TEST(effects() == ">1");
  store_answers(1);
  BOOST_TEST(effects() == ">2");
  start(hanging, 1);
  submit(1);
  submit(2);
  BOOST_TEST(effects().empty());
}

BOOST_AUTO_TEST_CASE(a_call_that_waits_for_the_store_is_cancelled_at_once) {
  start({}, 1);
  submit(1);
  submit(2);
  submit(3);
  effects();
  cancel({2});
  BOOST_TEST(effects() == "2=cancelled");
  store_answers(1);
  BOOST_TEST(effects() == ">3 1=ok");
}

BOOST_AUTO_TEST_CASE(a_call_whose_deadline_passes_in_the_line_does_not_reach_the_store) {
  start({}, 1);
  submit(1);
  submit(2, now + 5ms);
  submit(3);
  effects();
  advance(5ms);
  store_answers(1);
  BOOST_TEST(effects() == ">3 2=cancelled 1=ok");
}

BOOST_AUTO_TEST_CASE(a_call_in_the_store_is_cancelled_there_and_gives_its_result_undelayed) {
  start(slow);
  submit(1);
  effects();
  cancel({1});
  BOOST_TEST(effects() == "x1");
  store_answers(1);
  BOOST_TEST(effects() == "1=ok");
}

BOOST_AUTO_TEST_CASE(a_result_that_is_held_back_is_cancelled_at_once) {
  start(slow);
  submit(1);
  effects();
  store_answers(1);
  cancel({1});
  BOOST_TEST(effects() == "1=cancelled");
  advance(1s);
  BOOST_TEST(effects().empty());
}

BOOST_AUTO_TEST_CASE(a_token_may_come_again_while_the_old_result_would_still_be_held) {
  start(slow);
  submit(1);
  effects();
  store_answers(1);
  cancel({1});
  BOOST_TEST(effects() == "1=cancelled");
  // WHEN the token names another call, whose result is due later
  advance(5ms);
  submit(1);
  BOOST_TEST(effects() == ">1");
  store_answers(1);
  // THEN it does not come when the old one would have been due
  advance(5ms);
  BOOST_TEST(effects().empty());
  advance(5ms);
  BOOST_TEST(effects() == "1=ok");
}

BOOST_AUTO_TEST_CASE(results_of_unknown_calls_are_left_out) {
  start({});
  store_answers(9);
  submit(1);
  store_answers(1); // not submitted to the store yet
  BOOST_TEST(effects() == ">1");
  store_answers(1);
  store_answers(1);
  BOOST_TEST(effects() == "1=ok");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
