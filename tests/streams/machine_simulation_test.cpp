// SPDX-License-Identifier: Apache-2.0

// Scenarios as values, traces as text: `5 call 1.2` is the second attempt for record 1 at 5 ms,
// `9 value 2` a result that leaves.

#include "weir/machine_simulation.hpp"

#include <boost/test/unit_test.hpp>

#include <span>
#include <sstream>
#include <utility>
#include <vector>

namespace {

using namespace weir;
using namespace weir::simulation;

scenario_answer emits(millis after, std::vector<std::int64_t> results) {
  scenario_answer answer;
  answer.after = after;
  answer.emit = std::move(results);
  return answer;
}

scenario_answer fails(millis after, std::string name) {
  scenario_answer answer;
  answer.after = after;
  answer.error = std::move(name);
  return answer;
}

scenario_answer throws(std::string name) {
  auto answer = fails(0, std::move(name));
  answer.throws = true;
  return answer;
}

scenario_answer never() {
  scenario_answer answer;
  answer.never = true;
  return answer;
}

scenario_retry fixed(std::uint32_t max_attempts, millis delay) {
  scenario_retry retry;
  retry.kind = retry_kind::fixed;
  retry.max_attempts = max_attempts;
  retry.delay = delay;
  retry.if_error = "any";
  return retry;
}

struct text_of_output {
  std::ostream& to;
  void operator()(const value_leaves& x) const { to << "value " << x.value; }
  void operator()(const watermark_leaves& x) const { to << "watermark " << x.time; }
  void operator()(const status_leaves& x) const { to << (x.idle ? "idle" : "active"); }
  void operator()(const barrier_leaves& x) const { to << "barrier " << x.id; }
  void operator()(const dead_letter_leaves& x) const {
    to << "dead letter " << x.record << " " << x.error << " " << x.attempts;
  }
};

struct simulation_fixture {
  simulation_fixture() { what.name = "test"; }

  void in(millis at, decltype(scenario_input::what) element) {
    what.input.push_back({at, std::move(element)});
  }
  void record(millis at, std::int64_t value) { in(at, record_arrives{value, {}}); }

  trace run(std::vector<happening>* log = nullptr) {
    auto done = simulate(what, {.log = log, .choose = choose});
    BOOST_REQUIRE_MESSAGE(done, (done ? std::string{} : done.why().text()));
    return *done;
  }

  std::string calls() {
    std::ostringstream text;
    for (const auto& x : run().calls)
      text << x.at << " call " << x.record << "." << x.attempt << "; ";
    return text.str();
  }

  std::string output() {
    std::ostringstream text;
    const auto done = run();
    for (const auto& x : done.output) {
      text << x.at << " ";
      std::visit(text_of_output{text}, x.what);
      text << "; ";
    }
    if (const auto& failed = done.failed)
      text << failed->at << " failed " << failed->error << " " << failed->record << "; ";
    return text.str();
  }

  scenario what;
  event_chooser choose{};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(machine_simulation, simulation_fixture)

BOOST_AUTO_TEST_CASE(an_answer_that_is_not_given_is_twice_the_value_after_1) {
  record(3, 21);
  BOOST_TEST(output() == "4 value 42; ");
  BOOST_TEST(calls() == "3 call 21.1; ");
}

BOOST_AUTO_TEST_CASE(completions_come_in_the_order_of_their_calls) {
  what.with.mode = scenario_mode::unordered;
  record(0, 1);
  record(2, 2);
  record(4, 3);
  what.service = {{1, {emits(6, {10})}}, {2, {emits(4, {20})}}, {3, {emits(2, {30})}}};
  BOOST_TEST(output() == "6 value 10; 6 value 20; 6 value 30; ");
}

BOOST_AUTO_TEST_CASE(completions_come_before_timeouts_and_timeouts_before_back_offs) {
  what.with.mode = scenario_mode::unordered;
  what.with.timeout = 10;
  what.with.retry = fixed(1, 4);
  what.with.on_timeout.kind = hook_kind::emit;
  what.with.on_timeout.emit = {-1};
  record(0, 1);
  record(0, 2);
  record(4, 3);
  record(10, 4);
  what.service = {{1, {emits(10, {10})}},
                  {2, {never()}},
                  {3, {fails(2, "io"), emits(0, {30})}},
                  {4, {emits(0, {40})}}};
  BOOST_TEST(output() == "10 value 10; 10 value -1; 10 value 30; 10 value 40; ");
}

BOOST_AUTO_TEST_CASE(back_offs_that_end_together_end_in_the_order_of_their_records) {
  // The first's is 3.375 ms, cut to 3; the second's 2.25, cut to 2: by the nanosecond it would be first.
  what.with.timeout = 1000;
  what.with.retry = fixed(5, 1);
  what.with.retry.kind = retry_kind::exponential;
  what.with.retry.initial = 1;
  what.with.retry.max = 100;
  what.with.retry.multiplier = 1.5;
  record(0, 1);
  record(1, 2);
  what.service = {{1, {fails(3, "io"), fails(0, "io"), fails(0, "io"), fails(0, "io"), never()}},
                  {2, {fails(5, "io"), fails(0, "io"), fails(0, "io"), never()}}};
  BOOST_TEST(calls()
             == "0 call 1.1; 1 call 2.1; 4 call 1.2; 5 call 1.3; 7 call 1.4; 7 call 2.2; 8 call 2.3; "
                "10 call 1.5; 10 call 2.4; ");
}

BOOST_AUTO_TEST_CASE(what_waits_for_room_is_taken_within_the_event_that_makes_it) {
  what.with.capacity = 1;
  record(0, 1);
  record(1, 2);
  in(2, watermark_arrives{7});
  in(2, end_arrives{});
  what.service = {{1, {emits(10, {10})}}, {2, {emits(0, {20})}}};
  BOOST_TEST(output() == "10 value 10; 10 value 20; 10 watermark 7; ");
  BOOST_TEST(calls() == "0 call 1.1; 10 call 2.1; ");
}

BOOST_AUTO_TEST_CASE(what_is_thrown_is_an_error_of_its_name) {
  what.with.timeout = 100;
  what.with.retry = fixed(1, 5);
  what.with.retry.if_error = "boom";
  record(0, 1);
  what.service = {{1, {throws("boom"), fails(1, "threw: bang")}}};
  BOOST_TEST(output() == "6 failed threw: bang 1; ");
}

BOOST_AUTO_TEST_CASE(a_services_error_is_never_one_of_the_operators_own) {
  what.with.on_failure = scenario_failure_action::dead_letter;
  for (const auto* name : {"abandoned", "exception", "timeout_error"}) {
    what.input.clear();
    record(0, 1);
    what.service = {{1, {fails(2, name)}}};
    BOOST_TEST(output() == "2 dead letter 1 " + std::string{name} + " 1; ");
  }
}

BOOST_AUTO_TEST_CASE(later_answers_to_a_call_count_from_the_call) {
  what.with.timeout = 20;
  what.with.retry = fixed(1, 10);
  record(0, 1);
  auto first = fails(2, "io");
  first.twice = {emits(5, {15})};
  auto silent = never();
  silent.twice = {emits(3, {16})};
  what.service = {{1, {first, silent}}};
  // The first call's second answer finds the record in back-off.
  BOOST_TEST(output() == "15 value 16; ");
}

BOOST_AUTO_TEST_CASE(nothing_follows_a_failure) {
  record(0, 1);
  record(0, 2);
  record(0, 3);
  what.service = {{1, {emits(4, {10})}}, {2, {fails(4, "io")}}, {3, {emits(4, {30})}}};
  BOOST_TEST(output() == "4 value 10; 4 failed io 2; ");
}

BOOST_AUTO_TEST_CASE(nothing_follows_where_nothing_is_due) {
  what.service = {{1, {never()}}};
  record(0, 1);
  record(0, 2);
  BOOST_TEST(output() == "");
}

// -- barriers --

BOOST_AUTO_TEST_CASE(a_barrier_leaves_ahead_of_all_that_is_held_and_waits) {
  what.with.capacity = 1;
  record(0, 1);
  record(0, 2);
  in(1, barrier_arrives{7});
  what.service = {{1, {emits(5, {10})}}};
  BOOST_TEST(output() == "1 barrier 7; 5 value 10; 6 value 4; ");
}

BOOST_AUTO_TEST_CASE(a_restore_resumes_with_the_attempt_and_the_time_that_were_left) {
  what.with.timeout = 20;
  what.with.retry = fixed(3, 5);
  what.with.on_failure = scenario_failure_action::dead_letter;
  record(0, 1);
  record(0, 2);
  in(8, barrier_arrives{1});
  in(30, operator_restores{1, false, {}});
  // Record 1 is in attempt 2 at the barrier; record 2 in back-off until 11, with 12 of its 20 ms left.
  what.service = {{1, {fails(2, "io"), never(), emits(4, {10})}}, {2, {fails(6, "io"), never()}}};
  BOOST_TEST(calls() == "0 call 1.1; 0 call 2.1; 7 call 1.2; 11 call 2.2; 30 call 1.2; 33 call 2.2; ");
  BOOST_TEST(output() == "8 barrier 1; 20 dead letter 1 timeout_error 2; "
                         "20 dead letter 2 timeout_error 2; 34 value 10; "
                         "42 dead letter 2 timeout_error 2; ");
}

BOOST_AUTO_TEST_CASE(finished_records_come_back_without_a_call) {
  record(0, 1);
  record(0, 2);
  in(5, barrier_arrives{1});
  in(6, operator_restores{1, false, {}});
  what.service = {{1, {never(), emits(2, {11})}}, {2, {emits(1, {20})}}};
  BOOST_TEST(calls() == "0 call 1.1; 0 call 2.1; 6 call 1.1; ");
  BOOST_TEST(output() == "5 barrier 1; 8 value 11; 8 value 20; ");
}

BOOST_AUTO_TEST_CASE(with_call_all_every_record_is_new) {
  what.with.timeout = 10;
  what.with.on_timeout.kind = hook_kind::emit;
  what.with.on_timeout.emit = {-1};
  record(0, 1);
  record(0, 2);
  in(5, barrier_arrives{1});
  in(6, operator_restores{1, true, {}});
  what.service = {{1, {never()}}, {2, {emits(1, {20})}}};
  BOOST_TEST(calls() == "0 call 1.1; 0 call 2.1; 6 call 1.1; 6 call 2.1; ");
  BOOST_TEST(output() == "5 barrier 1; 16 value -1; 16 value 20; ");
}

BOOST_AUTO_TEST_CASE(what_waited_in_front_of_the_barrier_comes_back_and_what_came_later_does_not) {
  what.with.capacity = 1;
  record(0, 1);
  record(1, 2);
  in(1, watermark_arrives{3});
  in(2, barrier_arrives{1});
  record(3, 3);
  in(4, operator_restores{1, false, {}});
  record(5, 4);
  what.service = {{1, {never(), emits(6, {10})}}};
  BOOST_TEST(output() == "2 barrier 1; 10 value 10; 11 value 4; 11 watermark 3; 12 value 8; ");
}

BOOST_AUTO_TEST_CASE(a_snapshot_is_restored_as_often_as_asked_with_other_settings) {
  auto wide = what.with;
  wide.mode = scenario_mode::unordered;
  record(0, 1);
  record(0, 2);
  in(1, barrier_arrives{1});
  in(2, operator_restores{1, false, {}});
  in(3, operator_restores{1, false, wide});
  what.service = {{1, {emits(9, {10})}}, {2, {emits(5, {20})}}};
  BOOST_TEST(calls() == "0 call 1.1; 0 call 2.1; 2 call 1.1; 2 call 2.1; 3 call 1.1; 3 call 2.1; ");
  BOOST_TEST(output() == "1 barrier 1; 8 value 20; 12 value 10; ");
}

BOOST_AUTO_TEST_CASE(an_earlier_barrier_takes_the_end_back) {
  what.with.timeout = 100;
  what.with.retry = fixed(3, 2);
  record(0, 1);
  in(1, barrier_arrives{1});
  in(2, end_arrives{});
  in(3, operator_restores{1, false, {}});
  what.service = {{1, {never(), fails(1, "io"), fails(1, "io"), emits(1, {9})}}};
  // Had the input ended, the first error would be final.
  BOOST_TEST(output() == "1 barrier 1; 10 value 9; ");
}

BOOST_AUTO_TEST_CASE(a_later_barrier_keeps_the_end) {
  what.with.timeout = 100;
  what.with.retry = fixed(3, 2);
  record(0, 1);
  in(2, end_arrives{});
  in(2, barrier_arrives{1});
  in(3, operator_restores{1, false, {}});
  what.service = {{1, {never(), fails(1, "io")}}};
  BOOST_TEST(output() == "2 barrier 1; 4 failed io 1; ");
}

// -- bounds --

BOOST_AUTO_TEST_CASE(a_run_without_end_is_an_error) {
  what.with.timeout = 1'000'000'000'000;
  what.with.retry = fixed(100'000'000, 1);
  record(0, 1);
  what.service = {{1, {fails(0, "io")}}};
  const auto done = simulate(what, {.limits = {.steps = 1000}});
  BOOST_REQUIRE(!done);
  BOOST_TEST(done.why().is(error_kind::argument));
  BOOST_TEST(done.why().message().find("more than 1000 steps") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_a_run_is_given_up_for_is_said) {
  const auto said = [](const scenario& of, std::vector<happening>* log = nullptr) {
    const auto done = simulate(of, {.log = log, .limits = {.steps = 5000}});
    return done ? std::string{"done"} : done.why().message();
  };
  const std::string begin = "it takes more than 5000 steps, above all ";
  // GIVEN many records at once, without a barrier
  for (int i = 0; i < 100; ++i)
    record(0, 1);
  BOOST_TEST(said(what) == "done");
  // THEN it is the log that takes too long
  std::vector<happening> log;
  BOOST_TEST(said(what, &log)
             == begin
                  + "looks at held elements, for a log or a timeline: after each event at each that is "
                    "held then; let fewer be held at once (a smaller capacity, fewer records), or run it "
                    "without one");
  // GIVEN many barriers, and a restore
  auto with_barriers = what;
  for (int i = 0; i < 60; ++i)
    with_barriers.input.push_back({0, barrier_arrives{1}});
  BOOST_TEST(said(with_barriers) == "done");
  with_barriers.input.push_back({1, operator_restores{1, false, {}}});
  BOOST_TEST(said(with_barriers)
             == begin
                  + "copies of held elements, which barriers and restores make; let fewer be held at a "
                    "barrier, or let fewer barriers be restored");
  // GIVEN many results
  auto with_results = what;
  with_results.otherwise.emplace_back().emit = std::vector<std::int64_t>(60);
  BOOST_TEST(said(with_results) == begin + "results; let answers emit fewer");
  // GIVEN a record that is called for ever
  auto with_retries = what;
  with_retries.with.timeout = 1'000'000'000'000;
  with_retries.with.retry = fixed(100'000'000, 1);
  with_retries.otherwise.emplace_back().error = "io";
  BOOST_TEST(said(with_retries)
             == begin + "calls; let there be fewer records or retries, or a shorter timeout");
}

BOOST_AUTO_TEST_CASE(a_run_past_the_end_of_time_is_an_error) {
  what.with.capacity = 1;
  for (int i = 0; i < 6; ++i)
    record(0, 1);
  what.service = {{1, {emits(1'000'000'000'000, {})}}};
  const auto done = simulate(what);
  BOOST_REQUIRE(!done);
  BOOST_TEST(done.why().message() == "it runs past 4000000000000 ms of virtual time");
}

BOOST_AUTO_TEST_CASE(settings_that_no_operator_takes_are_an_error) {
  what.with.capacity = 0;
  BOOST_TEST(!simulate(what));
  what.with.capacity = 1;
  in(0, operator_restores{3, false, {}});
  BOOST_TEST(!simulate(what));
}

// -- other orders --

/// What may come first, at the first choice, as text: `answer 1.2` is that of record 1's second attempt.
struct first_choice {
  std::size_t operator()(std::span<const event_description> due) {
    if (!seen.empty())
      return 0;
    const char* const names[] = {"answer", "timeout", "back-off", "wake-up", "input"};
    for (const auto& each : due)
      seen += std::string{names[static_cast<int>(each.kind)]} + " "
              + (each.kind == event_kind::input
                   ? std::to_string(each.line)
                   : std::to_string(each.record) + "." + std::to_string(each.attempts))
              + "; ";
    return 0;
  }

  std::string& seen;
};

struct order_fixture : simulation_fixture {
  std::string first_choice_of_run() {
    std::string seen;
    choose = first_choice{seen};
    run();
    return seen;
  }

  /// The output where the events with these places in the lists come first, one list a number.
  std::string output_by(std::vector<std::size_t> places) {
    choose = [places, next = std::size_t{0}](auto due) mutable {
      const auto place = next < places.size() ? places[next++] : 0;
      BOOST_REQUIRE(place < due.size());
      return place;
    };
    return output();
  }
};

BOOST_FIXTURE_TEST_CASE(a_chooser_is_asked_only_where_events_fall_together, order_fixture) {
  record(0, 1);
  record(0, 2);
  record(3, 3);
  what.service = {{1, {emits(1, {10})}}, {2, {emits(2, {20})}}, {3, {emits(0, {30})}}};
  BOOST_TEST(first_choice_of_run() == "");
}

BOOST_FIXTURE_TEST_CASE(a_chooser_gets_what_is_due_in_the_usual_order, order_fixture) {
  what.with.mode = scenario_mode::unordered;
  what.with.timeout = 10;
  what.with.retry = fixed(1, 4);
  record(0, 1);
  record(0, 2);
  record(6, 3);
  record(6, 4);
  record(10, 5);
  what.service = {{1, {emits(10, {10})}},
                  {2, {never()}},
                  {3, {throws("io"), emits(0, {30})}},
                  {4, {throws("io"), emits(0, {40})}}};
  // The first timeout is that of record 1, whose answer comes before it; that of record 2 is behind.
  BOOST_TEST(first_choice_of_run() == "answer 1.1; back-off 3.1; back-off 4.1; input 4; ");
  what.service[1] = {never()};
  BOOST_TEST(first_choice_of_run() == "timeout 1.1; back-off 3.1; back-off 4.1; input 4; ");
}

BOOST_FIXTURE_TEST_CASE(an_answer_that_nobody_waits_for_is_no_choice, order_fixture) {
  record(0, 1);
  record(3, 2);
  auto first = emits(2, {10});
  first.twice = {emits(3, {11})};
  what.service = {{1, {first}}};
  BOOST_TEST(first_choice_of_run() == "");
}

BOOST_FIXTURE_TEST_CASE(an_end_of_back_off_is_no_choice_where_the_timeout_passes, order_fixture) {
  what.with.timeout = 5;
  what.with.retry = fixed(1, 3);
  record(0, 1);
  record(5, 2);
  what.service = {{1, {fails(2, "io")}}};
  BOOST_TEST(first_choice_of_run() == "timeout 1.1; input 1; ");
}

BOOST_FIXTURE_TEST_CASE(answers_ends_of_back_off_and_timeouts_come_as_chosen, order_fixture) {
  what.with.mode = scenario_mode::unordered;
  what.with.timeout = 10;
  what.with.retry = fixed(1, 4);
  what.with.on_timeout.kind = hook_kind::emit;
  what.with.on_timeout.emit = {-1};
  record(0, 1);
  record(6, 2);
  record(6, 3);
  record(9, 4);
  what.service = {{1, {never()}},
                  {2, {throws("io"), emits(0, {20})}},
                  {3, {throws("io"), emits(0, {30})}},
                  {4, {emits(1, {40})}}};
  BOOST_TEST(output_by({}) == "10 value 40; 10 value -1; 10 value 20; 10 value 30; ");
  // answer 4, timeout 1, back-off 2, back-off 3
  BOOST_TEST(output_by({3, 2, 1}) == "10 value 30; 10 value 20; 10 value -1; 10 value 40; ");
  BOOST_TEST(output_by({2, 1, 1}) == "10 value 20; 10 value -1; 10 value 30; 10 value 40; ");
}

BOOST_FIXTURE_TEST_CASE(a_barrier_may_come_before_a_timeout_which_then_passes_after_the_restore,
                        order_fixture) {
  what.with.timeout = 5;
  what.with.retry = fixed(9, 1);
  what.with.on_timeout.kind = hook_kind::emit;
  what.with.on_timeout.emit = {-1};
  record(0, 1);
  in(5, barrier_arrives{1});
  in(8, operator_restores{1, false, {}});
  what.service = {{1, {never()}}};
  BOOST_TEST(output_by({1}) == "5 barrier 1; 5 value -1; 8 value -1; ");
  // In back-off until 6, the record is restored with 1 ms of it left, and with nothing of its timeout.
  what.service = {{1, {fails(1, "io"), fails(1, "io"), fails(1, "io"), never()}}};
  BOOST_TEST(output_by({1, 1}) == "5 barrier 1; 5 value -1; 8 value -1; ");
}

BOOST_FIXTURE_TEST_CASE(choices_count_as_steps, order_fixture) {
  what.with.mode = scenario_mode::unordered;
  for (int i = 0; i < 100; ++i)
    record(0, 1);
  choose = [](auto due) { return due.size() - 1; };
  const auto done = simulate(what, {.limits = {.steps = 3000}, .choose = choose});
  BOOST_REQUIRE(!done);
  BOOST_TEST(done.why().message()
             == "it takes more than 3000 steps, above all looks at what falls into one millisecond, to "
                "choose what comes first; let fewer elements come, and answers be due, in one millisecond");
  BOOST_TEST(simulate(what, {.limits = {.steps = 3000}}).has_value());
}

// -- what happens to each element --

BOOST_AUTO_TEST_CASE(the_log_tells_what_happens_to_each_element) {
  what.with.capacity = 2;
  what.with.max_concurrent_calls = 1;
  record(0, 1);
  record(1, 2);
  record(2, 3);
  what.service = {{1, {emits(5, {10, 11})}}, {2, {emits(2, {})}}, {3, {emits(0, {30})}}};
  std::vector<happening> log;
  run(&log);
  using enum happening_kind;
  const std::vector<happening> expected{
    {0, 0, arrives, 0},        {0, 0, called, 1},           {1, 1, arrives, 0},
    {1, 1, waits_for_call, 0}, {2, 2, arrives, 0},          {2, 2, waits_for_room, 0},
    {5, 0, answered, 0},       {5, 0, leaves, 0, {10, 11}}, {5, 1, called, 1},
    {5, 2, waits_for_call, 0}, {7, 1, answered, 0},         {7, 2, called, 1},
    {7, 2, answered, 0},       {7, 2, leaves, 0, {30}},     {7, 1, leaves_without_results, 0}};
  BOOST_TEST((log == expected));
}

BOOST_AUTO_TEST_CASE(the_log_tells_of_answers_that_are_ignored_and_of_errors) {
  what.with.on_failure = scenario_failure_action::dead_letter;
  record(0, 1);
  auto answer = fails(1, "io");
  answer.twice = {emits(1, {10}), emits(3, {11})};
  what.service = {{1, {answer}}};
  std::vector<happening> log;
  run(&log);
  using enum happening_kind;
  const std::vector<happening> letter{
    {0, 0, arrives}, {0, 0, called, 1}, {1, 0, call_fails}, {1, 0, leaves_as_dead_letter, 1, {}, "io"},
    {1, 0, ignored}, {3, 0, ignored}};
  BOOST_TEST((log == letter));

  what.with.on_failure = scenario_failure_action::fail_job;
  log.clear();
  run(&log);
  const std::vector<happening> failure{
    {0, 0, arrives}, {0, 0, called, 1}, {1, 0, call_fails}, {1, 0, fails_job, 0, {}, "io"}};
  BOOST_TEST((log == failure));
}

BOOST_AUTO_TEST_CASE(in_the_log_the_end_stands_in_line) {
  what.with.capacity = 1;
  record(0, 1);
  record(0, 2);
  in(0, end_arrives{});
  std::vector<happening> log;
  run(&log);
  using enum happening_kind;
  std::vector<happening> of_end;
  for (const auto& each : log)
    if (each.element == 2)
      of_end.push_back(each);
  const std::vector<happening> expected{
    {0, 2, arrives}, {0, 2, waits_for_room}, {1, 2, held}, {2, 2, leaves}};
  BOOST_TEST((of_end == expected));
}

BOOST_AUTO_TEST_CASE(in_the_log_an_end_that_has_left_leaves_again_after_a_restore) {
  in(0, end_arrives{});
  in(1, barrier_arrives{1});
  in(3, operator_restores{1, false, {}});
  std::vector<happening> log;
  run(&log);
  using enum happening_kind;
  std::vector<happening> of_end;
  for (const auto& each : log)
    if (each.element == 0)
      of_end.push_back(each);
  const std::vector<happening> expected{{0, 0, arrives}, {0, 0, leaves}, {3, 0, is_restored}, {3, 0, leaves}};
  BOOST_TEST((of_end == expected));
}

BOOST_AUTO_TEST_CASE(the_log_changes_nothing) {
  what.with.mode = scenario_mode::key_ordered;
  what.with.capacity = 1;
  record(0, 1);
  record(0, 11);
  for (int i = 0; i < 1'500; ++i)
    in(1, watermark_arrives{i});
  in(1, barrier_arrives{1});
  in(2, operator_restores{1, false, {}});
  std::vector<happening> log;
  const auto done = simulate(what, {.log = &log, .limits = {.steps = 100'000'000}});
  BOOST_REQUIRE(done);
  const auto without = run();
  BOOST_TEST((done->output == without.output));
  BOOST_TEST((done->calls == without.calls));
}

BOOST_AUTO_TEST_SUITE_END()
