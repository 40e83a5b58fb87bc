// SPDX-License-Identifier: Apache-2.0

// Each promise broken in a trace that is otherwise right. That what is right is accepted, the
// reference model shows, over random scenarios and random orders of events.

#include "../support/random_scenario.hpp"
#include "reference_model.hpp"
#include "scenario_words.hpp"
#include "trace_checker.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

using namespace weir::simulation;
using namespace weir::simulation::testing;

namespace {

using service = std::map<std::int64_t, std::vector<scenario_answer>>;

/// A scenario and a right trace of it, to be broken.
struct experiment {
  experiment(scenario_operator with, std::vector<scenario_input> input, service answers = {}) :
    what{"", std::move(with), std::move(input), std::move(answers), {}},
    shown(run_reference_model(what)) {
    BOOST_TEST(violation() == "");
  }

  std::string violation() const { return first_violation(what, shown).value_or(""); }

  void swap_outputs(std::size_t one, std::size_t other) {
    std::swap(shown.output[one].what, shown.output[other].what);
  }
  void lose_output(std::ptrdiff_t place) { shown.output.erase(shown.output.begin() + place); }
  void repeat_output(std::ptrdiff_t place) {
    const auto at_place = shown.output.begin() + place;
    shown.output.insert(at_place, trace_output{*at_place});
  }

  scenario what;
  trace shown;
};

/// Of what is due together, the input comes first.
std::size_t input_first(std::span<const event_description> due) {
  const auto found = std::ranges::find(due, event_kind::input, &event_description::kind);
  return found == due.end() ? 0 : static_cast<std::size_t>(found - due.begin());
}

const service slow_then_quick{{1, {after(10)}}, {2, {after(3)}}, {11, {after(3)}}};

} // namespace

// -- output --

BOOST_AUTO_TEST_SUITE(trace_checker_output)

BOOST_AUTO_TEST_CASE(a_record_that_is_lost_is_noticed) {
  experiment tried{ordered(), {record(0, 1), record(0, 2)}, slow_then_quick};
  tried.lose_output(1);
  BOOST_TEST(tried.violation() == "record 2 is lost: it could leave at 10");
}

BOOST_AUTO_TEST_CASE(a_record_that_is_lost_before_a_failure_or_a_restore_is_noticed) {
  experiment failed{ordered(), {record(0, 1), record(2, 2)}, {{1, {after(1)}}, {2, {fails(4)}}}};
  failed.lose_output(0);
  BOOST_TEST(failed.violation() == "record 1 is lost: it could leave at 1");
  experiment restored{ordered(), {barrier(0, 7), record(0, 1), restore(5, 7)}};
  restored.lose_output(1);
  BOOST_TEST(restored.violation() == "record 1 is lost: it could leave at 1");
}

BOOST_AUTO_TEST_CASE(a_border_that_is_lost_is_noticed) {
  experiment tried{unordered(), {record(0, 1), watermark(0, 5)}, slow_then_quick};
  tried.lose_output(1);
  BOOST_TEST(tried.violation() == "watermark 5 is lost");
}

BOOST_AUTO_TEST_CASE(a_record_that_leaves_twice_is_noticed) {
  experiment tried{unordered(), {record(0, 1), record(0, 2)}, slow_then_quick};
  tried.repeat_output(0);
  BOOST_TEST(tried.violation() == "value 4 at 3: record 2 leaves twice");
}

BOOST_AUTO_TEST_CASE(results_that_are_torn_apart_or_turned_round_are_noticed) {
  experiment tried{unordered(), {record(0, 1), record(1, 2)},
                   {{1, {emits(5, {10, 11})}}, {2, {emits(4, {20})}}}};
  auto torn = tried;
  torn.swap_outputs(1, 2);
  BOOST_TEST(torn.violation()
             == "value 10 at 5: the results of record 1 are not together, in their order");
  tried.swap_outputs(0, 1);
  BOOST_TEST(tried.violation() == "value 11 at 5 belongs to nothing that is held");
}

BOOST_AUTO_TEST_CASE(a_time_that_is_not_inherited_is_noticed) {
  experiment tried{ordered(), {record(0, 1, 7)}};
  std::get<value_leaves>(tried.shown.output[0].what).ts = 8;
  BOOST_TEST(tried.violation() == "value 2 at 1: its time is not that of record 1");
}

BOOST_AUTO_TEST_CASE(a_broken_order_is_noticed) {
  experiment tried{ordered(), {record(0, 1), record(0, 2)}, slow_then_quick};
  tried.swap_outputs(0, 1);
  BOOST_TEST(tried.violation() == "record 2 leaves at 10 before record 1, out of order");
}

BOOST_AUTO_TEST_CASE(a_broken_order_of_a_key_is_noticed) {
  experiment tried{dead_letters(timeout(20, key_ordered(), hook_nothing())),
                   {record(0, 1), record(0, 11)},
                   {{1, {after(30)}}}};
  tried.swap_outputs(0, 1);
  BOOST_TEST(tried.violation() == "record 11 leaves at 30 before record 1, which is of its key");
}

BOOST_AUTO_TEST_CASE(a_border_that_is_passed_is_noticed) {
  experiment tried{unordered(), {record(0, 1), watermark(0, 5), record(0, 2)}, slow_then_quick};
  auto early = tried;
  early.swap_outputs(0, 1);
  BOOST_TEST(early.violation()
             == "watermark 5 leaves at 10 before record 1: nothing passes a border");
  tried.swap_outputs(1, 2);
  BOOST_TEST(tried.violation()
             == "record 2 leaves at 10 before watermark 5: nothing passes a border");
}

BOOST_AUTO_TEST_CASE(without_order_one_that_overtakes_is_noticed) {
  experiment tried{unordered(), {record(0, 3), watermark(0, 5), record(0, 1), record(0, 2)},
                   {{3, {after(20)}}, {1, {after(10)}}, {2, {after(3)}}}};
  tried.swap_outputs(2, 3);
  BOOST_TEST(tried.violation() == "record 1 leaves at 20 before record 2, which finished first");
}

BOOST_AUTO_TEST_CASE(one_that_leaves_unfinished_or_late_is_noticed) {
  experiment tried{ordered(), {record(0, 1)}, slow_then_quick};
  tried.shown.output[0].at = 9;
  BOOST_TEST(tried.violation() == "value 2 at 9: record 1 leaves before it can be finished");
  tried.shown.output[0].at = 11;
  BOOST_TEST(tried.violation() == "record 1 leaves at 11 and could leave at 10");
}

BOOST_AUTO_TEST_CASE(a_wrong_dead_letter_is_noticed) {
  experiment tried{dead_letters(ordered()), {record(0, 1)}, {{1, {fails(3)}}}};
  std::get<dead_letter_leaves>(tried.shown.output[0].what).attempts = 2;
  BOOST_TEST(tried.violation() == "dead letter 1 at 3 belongs to nothing that is held");
}

BOOST_AUTO_TEST_CASE(a_late_answer_in_place_of_the_hooks_is_noticed) {
  experiment tried{timeout(5, ordered(), hook_emits({-1})), {record(0, 1)}, {{1, {after(9)}}}};
  tried.shown.output[0] = {9, value_leaves{2, {}}};
  BOOST_TEST(tried.violation() == "value 2 at 9 belongs to nothing that is held");
}

BOOST_AUTO_TEST_SUITE_END()

// -- calls --

BOOST_AUTO_TEST_SUITE(trace_checker_calls)

BOOST_AUTO_TEST_CASE(a_call_of_nobody_is_noticed) {
  experiment tried{ordered(), {record(2, 1)}};
  tried.shown.calls.insert(tried.shown.calls.begin(), {1, 9, 1});
  BOOST_TEST(tried.violation() == "record 9 is called at 1 but is not held then");
}

BOOST_AUTO_TEST_CASE(too_many_calls_at_once_are_noticed) {
  experiment tried{calls_max(2, unordered()), {record(0, 1), record(0, 2)}, slow_then_quick};
  tried.what.with.max_concurrent_calls = 1;
  BOOST_TEST(tried.violation() == "record 2 is called at 0 while 1 calls run, of 1");
}

BOOST_AUTO_TEST_CASE(too_many_elements_are_noticed) {
  // Two are enough where the first is answered before the third is called.
  experiment tried{ordered(), {record(0, 1), record(0, 2), record(5, 3)}, slow_then_quick};
  tried.what.with.capacity = 2;
  tried.what.with.max_concurrent_calls = 2;
  BOOST_TEST(tried.violation() == "record 3 is called at 5 with 3 elements held, of 2");
}

BOOST_AUTO_TEST_CASE(too_many_attempts_are_noticed) {
  experiment tried{dropping(retries(2, 5, ordered())), {record(0, 1)}, {{1, {fails(1)}}}};
  tried.what.with.retry.max_attempts = 1;
  BOOST_TEST(tried.violation() == "record 1 is called at 12 more often than the attempts allow");
}

BOOST_AUTO_TEST_CASE(a_wrong_attempt_is_noticed) {
  experiment tried{dropping(retries(2, 5, ordered())), {record(0, 1)}, {{1, {fails(1)}}}};
  auto first = tried;
  first.shown.calls[0].attempt = 2;
  BOOST_TEST(first.violation() == "record 1 is called at 0 as attempt 2 where attempt 1 is due");
  tried.shown.calls[2].attempt = 2;
  BOOST_TEST(tried.violation() == "record 1 is called at 12 as attempt 2 after attempt 2");
}

BOOST_AUTO_TEST_CASE(a_retry_that_is_not_due_is_noticed) {
  experiment tried{retries(1, 5, ordered()), {record(0, 1)}, {{1, {fails(1), after(9)}}}};
  tried.shown.calls[1].at = 5;
  tried.shown.output[0].at = 14;
  BOOST_TEST(tried.violation() == "record 1 is called at 5 before its back-off ends at 6");
}

BOOST_AUTO_TEST_CASE(a_retry_that_nobody_asks_for_is_noticed) {
  experiment tried{retries(1, 5, ordered()), {record(0, 1)}, {{1, {fails(1), after(1)}}}};
  tried.what.with.retry.if_error = "busy";
  BOOST_TEST(tried.violation()
             == "record 1 is called at 6 although no predicate asks for a retry");
}

BOOST_AUTO_TEST_CASE(a_retry_after_the_end_is_noticed) {
  experiment tried{retries(1, 5, ordered()), {record(0, 1)}, {{1, {fails(2), after(1)}}}};
  tried.what.input.push_back(end(1));
  BOOST_TEST(tried.violation()
             == "record 1 is called at 7 although input had ended when its attempt failed");
}

BOOST_AUTO_TEST_CASE(a_retry_after_the_timeout_is_noticed) {
  experiment tried{retries(1, 5, timeout(9, ordered(), hook_emits({-1}))),
                   {record(0, 1)},
                   {{1, {fails(1), after(9)}}}};
  tried.shown.calls[1].at = 10;
  tried.shown.output[0].at = 10;
  BOOST_TEST(tried.violation() == "record 1 is called at 10 after its timeout");
}

BOOST_AUTO_TEST_CASE(a_retry_that_is_left_out_is_noticed) {
  experiment tried{dropping(retries(1, 5, ordered())), {record(0, 1)}, {{1, {fails(1)}}}};
  tried.shown.calls.pop_back();
  BOOST_TEST(tried.violation() == "record 1 is lost");
}

BOOST_AUTO_TEST_CASE(two_calls_of_one_key_are_noticed) {
  experiment tried{unordered(), {record(0, 1), record(0, 11)}, slow_then_quick};
  tried.swap_outputs(0, 1);
  tried.shown.output[0].at = 10;
  tried.what.with.mode = scenario_mode::key_ordered;
  BOOST_TEST(tried.violation() == "record 11 is called at 0 while record 1 of its key runs");
}

BOOST_AUTO_TEST_CASE(calls_out_of_order_are_noticed) {
  experiment tried{ordered(), {record(0, 1), record(0, 2)}};
  std::swap(tried.shown.calls[0], tried.shown.calls[1]);
  BOOST_TEST(tried.violation() == "record 1 is called at 0 after record 2, which arrived later");
  tried.what.input[1] = record(0, 11);
  tried.shown = run_reference_model(tried.what);
  tried.what.with.mode = scenario_mode::key_ordered;
  std::swap(tried.shown.calls[0], tried.shown.calls[1]);
  BOOST_TEST(tried.violation()
             == "record 1 is called at 0 after record 11 of its key, which arrived later");
}

BOOST_AUTO_TEST_SUITE_END()

// -- failure --

BOOST_AUTO_TEST_SUITE(trace_checker_failure)

BOOST_AUTO_TEST_CASE(what_follows_a_failure_is_noticed) {
  experiment tried{ordered(), {record(0, 1), record(0, 2)}, {{1, {after(9)}}, {2, {fails(4)}}}};
  auto called = tried;
  called.shown.calls.push_back({5, 1, 2});
  BOOST_TEST(called.violation() == "calls are made after the job failed at 4");
  tried.shown.output.push_back({9, value_leaves{2, {}}});
  BOOST_TEST(tried.violation() == "output leaves after the job failed at 4");
}

BOOST_AUTO_TEST_CASE(a_failure_without_a_cause_is_noticed) {
  experiment tried{ordered(), {record(0, 1)}, {{1, {fails(4)}}}};
  tried.shown.failed->error = "busy";
  BOOST_TEST(tried.violation()
             == "the job fails at 4 with busy of record 1, which has no such failure then");
}

BOOST_AUTO_TEST_CASE(a_failure_that_should_not_fail_the_job_is_noticed) {
  experiment tried{ordered(), {record(0, 1)}, {{1, {fails(4)}}}};
  tried.what.with.on_failure = scenario_failure_action::drop;
  BOOST_TEST(tried.violation()
             == "the job fails at 4 with io of record 1, but failures do not fail it");
}

BOOST_AUTO_TEST_CASE(a_failure_that_is_passed_over_is_noticed) {
  experiment tried{ordered(), {record(0, 1)}, {{1, {fails(4)}}}};
  tried.shown.failed.reset();
  BOOST_TEST(tried.violation() == "record 1 is lost: it could leave at 4");
}

BOOST_AUTO_TEST_SUITE_END()

// -- barriers and restore --

BOOST_AUTO_TEST_SUITE(trace_checker_restore)

BOOST_AUTO_TEST_CASE(a_barrier_that_waits_is_noticed) {
  experiment tried{ordered(), {record(0, 1), barrier(3, 7)}, slow_then_quick};
  std::swap(tried.shown.output[0], tried.shown.output[1]);
  tried.shown.output[1].at = 10;
  BOOST_TEST(tried.violation() == "barrier 7 does not leave at 3");
}

BOOST_AUTO_TEST_CASE(what_left_before_the_barrier_and_comes_again_is_noticed) {
  experiment tried{ordered(), {record(0, 1), barrier(12, 7), restore(13, 7)}, slow_then_quick};
  tried.shown.output.push_back({14, value_leaves{2, {}}});
  BOOST_TEST(tried.violation() == "value 2 at 14 belongs to nothing that is held");
}

BOOST_AUTO_TEST_CASE(what_a_restore_loses_is_noticed) {
  experiment tried{ordered(), {record(0, 1), record(0, 2), barrier(5, 7), restore(6, 7)},
                   slow_then_quick};
  tried.shown.output.resize(2);
  BOOST_TEST(tried.violation() == "record 2 is lost");
}

BOOST_AUTO_TEST_CASE(a_second_call_of_a_finished_record_is_noticed) {
  experiment tried{ordered(), {record(0, 1), record(0, 2), barrier(5, 7), call_all(6, 7)},
                   slow_then_quick};
  tried.what.input[3] = restore(6, 7);
  BOOST_TEST(tried.violation()
             == "record 2 is called at 6 although it was finished at the barrier");
}

BOOST_AUTO_TEST_CASE(an_attempt_that_a_restore_forgets_is_noticed) {
  experiment tried{retries(1, 5, ordered()),
                   {record(0, 1), barrier(10, 7), restore(11, 7)},
                   {{1, {fails(2), silence(), after(1)}}}};
  tried.shown.calls[2].attempt = 1;
  BOOST_TEST(tried.violation() == "record 1 is called at 11 as attempt 1 where attempt 2 is due");
}

BOOST_AUTO_TEST_SUITE_END()

// -- what files cannot say --

BOOST_AUTO_TEST_SUITE(trace_checker_hidden)

BOOST_AUTO_TEST_CASE(a_record_that_is_lost_where_room_comes_late_is_noticed) {
  scenario what{"", ordered(), {record(0, 1), record(0, 2)}, {}, {}};
  what.room = {{5, 1, 0}, {9, 9, 9}};
  auto shown = run_reference_model(what);
  BOOST_TEST(first_violation(what, shown).value_or("") == "");
  shown.output.pop_back();
  BOOST_TEST(first_violation(what, shown).value_or("") == "record 2 is lost");
  // Where there is no more room, it may be held for ever.
  what.room = {{5, 1, 0}};
  BOOST_TEST(first_violation(what, shown).value_or("") == "");
}

BOOST_AUTO_TEST_CASE(a_failure_that_a_rule_forbids_is_noticed) {
  const auto drops
    = failing_with("io", scenario_failure_action::drop, ordered());
  experiment tried{drops, {record(0, 1)}, {{1, {fails(4)}}}};
  tried.shown.failed = trace_failure{4, "io", 1};
  BOOST_TEST(tried.violation()
             == "the job fails at 4 with io of record 1, which has no such failure then");
  const auto fails_job
    = failing_with("io", scenario_failure_action::fail_job, dead_letters(ordered()));
  BOOST_TEST(experiment(fails_job, {record(0, 1)}, {{1, {fails(4)}}}).shown.failed.has_value());
}

BOOST_AUTO_TEST_CASE(retries_that_stop_at_the_end_although_they_are_kept_are_noticed) {
  experiment tried{keeps_retrying(dead_letters(retries(2, 5, timeout(50, ordered())))),
                   {record(0, 1), end(3)},
                   {{1, {fails(2), fails(2), after(1)}}}};
  tried.shown.calls[1].at = 3;
  BOOST_TEST(tried.violation() == "record 1 is called at 3 before its back-off ends at 7");
}

BOOST_AUTO_TEST_SUITE_END()

// -- what is right --

BOOST_AUTO_TEST_SUITE(trace_checker_acceptance)

BOOST_AUTO_TEST_CASE(what_the_model_does_is_accepted_in_any_order) {
  for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
    scenario_generator random{seed};
    auto what = random.next();
    const auto usual = first_violation(what, run_reference_model(what)).value_or("");
    BOOST_TEST(usual == "", "seed " << seed << ": " << usual);
    const auto choose = [&](auto due) { return random.below(due.size()); };
    const auto other = first_violation(what, run_reference_model(what, choose)).value_or("");
    BOOST_TEST(other == "", "seed " << seed << ", in another order: " << other);
    what.room = random.room();
    const auto limited = first_violation(what, run_reference_model(what)).value_or("");
    BOOST_TEST(limited == "", "seed " << seed << ", with little room: " << limited);
  }
}

BOOST_AUTO_TEST_CASE(records_that_look_the_same_are_accepted) {
  const experiment tried{unordered(), {record(0, 1), record(0, 1), record(0, 1)},
                         {{1, {emits(3, {10}), emits(2, {10, 11}), fails(9, "io")}}}};
  BOOST_TEST(tried.shown.failed.has_value());
}

BOOST_AUTO_TEST_CASE(a_long_row_of_watermarks_may_be_merged) {
  std::vector<scenario_input> input{record(0, 1)};
  for (std::int64_t time = 1; time <= 1003; ++time)
    input.push_back(watermark(0, time));
  const experiment tried{key_ordered(), input, slow_then_quick};
  BOOST_TEST(tried.shown.output.size() == 1001U);
}

BOOST_AUTO_TEST_CASE(what_can_never_leave_is_accepted) {
  const service silent{{1, {silence()}}};
  const std::vector input{record(0, 1), watermark(0, 3), record(0, 2), record(0, 3)};
  for (const auto& with : {ordered(), unordered(), key_ordered()}) {
    experiment{with, input, silent};
    experiment{capacity(2, with), input, silent};
    experiment{calls_max(1, with), input, silent};
  }
}

BOOST_AUTO_TEST_CASE(what_a_barrier_saves_just_before_its_timeout_may_wait_for_a_call_for_ever) {
  // GIVEN a record in back-off and one that runs, whose timeouts pass when the barrier comes
  const scenario what{"",
                      retries(1, 2, dead_letters(timeout(1, ordered()))),
                      {record(4, 1), record(4, 2), barrier(5, 7),
                       restore(6, 7, calls_max(1, ordered()))},
                      {{1, {throws("io")}}, {2, {silence()}}},
                      {}};
  // WHEN the barrier comes first, and behind the restore the second keeps the only call
  const auto came = run_reference_model(what, input_first);
  // THEN the first has not been lost
  BOOST_TEST(output_of(came) == "5:b7 5:d1,timeout_error,1 5:d2,timeout_error,1");
  BOOST_TEST(first_violation(what, came).value_or("") == "");
}

BOOST_AUTO_TEST_CASE(behind_what_may_have_been_dropped_before_a_restore_a_border_may_wait_for_ever) {
  // GIVEN a record in back-off with a border behind it, and one that runs; what times out is dropped
  auto with = retries(1, 2, timeout(1, ordered()));
  with.on_failure = scenario_failure_action::drop;
  const scenario what{"",
                      with,
                      {record(4, 1), watermark(4, 3), record(4, 2), barrier(5, 7),
                       restore(6, 7, calls_max(1, ordered()))},
                      {{1, {throws("io")}}, {2, {silence()}}},
                      {}};
  // WHEN the barrier comes first, and behind the restore the last keeps the only call
  const auto came = run_reference_model(what, input_first);
  // THEN the border has not been lost
  BOOST_TEST(first_violation(what, came).value_or("") == "");
}

BOOST_AUTO_TEST_SUITE_END()
