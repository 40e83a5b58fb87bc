// SPDX-License-Identifier: Apache-2.0

// The reference model rule by rule. What is expected was worked out by hand from docs/semantics.md.

#include "reference_model.hpp"
#include "scenario_words.hpp"

#include <boost/test/unit_test.hpp>

#include <set>

using namespace weir::simulation;
using namespace weir::simulation::testing;

namespace {

using service = std::map<std::int64_t, std::vector<scenario_answer>>;

trace run(scenario_operator with, std::vector<scenario_input> input, service answers = {}) {
  return run_reference_model({"", std::move(with), std::move(input), std::move(answers), {}});
}

/// Two records at 0: the first is answered at 10, the second at 3.
const service slow_then_quick{{1, {after(10)}}, {2, {after(3)}}, {11, {after(3)}}};

} // namespace

// -- order --

BOOST_AUTO_TEST_SUITE(reference_model_order)

BOOST_AUTO_TEST_CASE(in_order_a_quick_answer_waits_for_its_turn) {
  const auto got = run(ordered(), {record(0, 1, 7), record(0, 2)}, slow_then_quick);
  BOOST_TEST(output_of(got) == "10:2@7 10:4");
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1");
}

BOOST_AUTO_TEST_CASE(in_order_a_border_waits_for_its_turn) {
  const auto got = run(ordered(), {record(0, 1), watermark(1, 5), idle(2)}, slow_then_quick);
  BOOST_TEST(output_of(got) == "10:2 10:w5 10:sidle");
}

BOOST_AUTO_TEST_CASE(without_order_a_record_leaves_when_it_finishes) {
  BOOST_TEST(output_of(run(unordered(), {record(0, 1), record(0, 2)}, slow_then_quick))
             == "3:4 10:2");
}

BOOST_AUTO_TEST_CASE(without_order_nothing_passes_a_border) {
  const auto got = run(unordered(), {record(0, 1), watermark(0, 5), record(0, 2), record(0, 3)},
                       slow_then_quick);
  // The third finished at 1, the second at 3.
  BOOST_TEST(output_of(got) == "10:2 10:w5 10:6 10:4");
}

BOOST_AUTO_TEST_CASE(a_border_with_nothing_before_it_leaves_at_once) {
  for (const auto& with : {ordered(), unordered(), key_ordered()})
    BOOST_TEST(output_of(run(with, {watermark(4, 5), idle(4)})) == "4:w5 4:sidle");
}

BOOST_AUTO_TEST_CASE(several_results_stay_together_and_no_result_is_a_turn_too) {
  const auto got = run(ordered(), {record(0, 1, 7), record(0, 2), record(0, 3)},
                       {{1, {emits(5, {10, 11})}}, {2, {emits(1, {})}}});
  BOOST_TEST(output_of(got) == "5:10@7 5:11@7 5:6");
}

BOOST_AUTO_TEST_CASE(records_of_one_key_are_called_one_after_the_other) {
  const auto got =
    run(key_ordered(), {record(0, 1), record(0, 11), record(0, 2)}, slow_then_quick);
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 10:11/1");
  BOOST_TEST(output_of(got) == "3:4 10:2 13:22");
}

BOOST_AUTO_TEST_CASE(a_key_is_a_digit_also_below_zero) {
  BOOST_TEST(calls_of(run(key_ordered(), {record(0, -9), record(0, 1), record(0, 9)}))
             == "0:-9/1 0:9/1 1:1/1");
}

BOOST_AUTO_TEST_CASE(a_retry_holds_back_its_own_key_alone) {
  const auto got = run(retries(1, 5, key_ordered()), {record(0, 1), record(0, 11), record(0, 2)},
                       {{1, {fails(2), after(2)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 7:1/2 9:11/1");
}

BOOST_AUTO_TEST_CASE(one_that_finished_early_waits_for_the_earlier_ones_of_its_key) {
  // GIVEN a silent hook, so that a record that waits for its key fails before the one that runs
  const auto got = run(dead_letters(timeout(20, key_ordered(), hook_nothing())),
                       {record(0, 1), record(0, 11)}, {{1, {after(30)}}});
  BOOST_TEST(calls_of(got) == "0:1/1");
  BOOST_TEST(output_of(got) == "30:2 30:d11,timeout_error,0");
}

BOOST_AUTO_TEST_CASE(more_than_a_thousand_watermarks_in_a_row_are_merged) {
  std::vector<scenario_input> input{record(0, 1)};
  for (std::int64_t time = 1; time <= 1003; ++time)
    input.push_back(watermark(0, time));
  const auto got = run(key_ordered(), input, slow_then_quick).output;
  BOOST_TEST_REQUIRE(got.size() == 1001U);
  BOOST_TEST(text(std::get<watermark_leaves>(got[999].what)) == "w999");
  BOOST_TEST(text(std::get<watermark_leaves>(got[1000].what)) == "w1003");
}

BOOST_AUTO_TEST_CASE(more_than_a_thousand_statuses_in_a_row_are_merged) {
  std::vector<scenario_input> input{record(0, 1)};
  for (int pair = 0; pair < 600; ++pair) {
    input.push_back(idle(0));
    input.push_back(active(0));
  }
  input.push_back(watermark(0, 7));
  input.push_back(idle(0));
  const auto got = run(key_ordered(), input, slow_then_quick).output;
  BOOST_TEST_REQUIRE(got.size() == 1002U);
  // The watermark stays behind the status behind which it came.
  BOOST_TEST(std::get<status_leaves>(got[999].what).idle == false);
  BOOST_TEST(text(std::get<watermark_leaves>(got[1000].what)) == "w7");
  BOOST_TEST(std::get<status_leaves>(got[1001].what).idle == true);
}

BOOST_AUTO_TEST_CASE(a_restore_by_key_merges_what_was_kept_apart) {
  std::vector<scenario_input> input{record(0, 1)};
  for (std::int64_t time = 1; time <= 1003; ++time)
    input.push_back(watermark(0, time));
  input.push_back(barrier(1, 1));
  input.push_back(restore(2, 1, key_ordered()));
  const auto got = run(capacity(2000, ordered()), input, slow_then_quick).output;
  BOOST_TEST_REQUIRE(got.size() == 1002U);
  BOOST_TEST(text(std::get<watermark_leaves>(got[1001].what)) == "w1003");
}

BOOST_AUTO_TEST_SUITE_END()

// -- room and calls --

BOOST_AUTO_TEST_SUITE(reference_model_bounds)

BOOST_AUTO_TEST_CASE(a_full_queue_takes_nothing) {
  const auto got = run(capacity(2, ordered()), {record(0, 1), record(0, 2), record(0, 3)},
                       slow_then_quick);
  // A finished record that waits for its turn still has its place.
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 10:3/1");
}

BOOST_AUTO_TEST_CASE(a_border_takes_a_place_but_not_by_key) {
  const std::vector<scenario_input> input{record(0, 1), watermark(0, 5), record(0, 2)};
  BOOST_TEST(calls_of(run(capacity(2, ordered()), input, slow_then_quick)) == "0:1/1 10:2/1");
  BOOST_TEST(calls_of(run(capacity(2, unordered()), input, slow_then_quick)) == "0:1/1 10:2/1");
  BOOST_TEST(calls_of(run(capacity(2, key_ordered()), input, slow_then_quick)) == "0:1/1 0:2/1");
}

BOOST_AUTO_TEST_CASE(calls_are_bounded_apart_from_places) {
  const auto got = run(calls_max(1, unordered()), {record(0, 1), record(0, 2), record(0, 3)},
                       slow_then_quick);
  BOOST_TEST(calls_of(got) == "0:1/1 10:2/1 13:3/1");
}

BOOST_AUTO_TEST_CASE(a_free_call_goes_to_the_first_that_waits_retries_included) {
  // Record 1 waits for its retry from 7 on, record 3 for its first call from 0 on.
  const auto got = run(retries(1, 5, calls_max(1, unordered())),
                       {record(0, 1), record(0, 2), record(0, 3)},
                       {{1, {fails(2), after(1)}}, {2, {after(10)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 2:2/1 12:1/2 13:3/1");
}

BOOST_AUTO_TEST_SUITE_END()

// -- completions --

BOOST_AUTO_TEST_SUITE(reference_model_completions)

BOOST_AUTO_TEST_CASE(the_first_completion_wins) {
  auto answer = emits(5, {10});
  answer.twice = {emits(3, {11}), emits(7, {12})};
  BOOST_TEST(output_of(run(ordered(), {record(0, 1)}, {{1, {answer}}})) == "3:11");
}

BOOST_AUTO_TEST_CASE(a_second_answer_during_back_off_is_ignored) {
  auto answer = fails(3);
  answer.twice = {emits(5, {11})};
  const auto got = run(retries(1, 10, ordered()), {record(0, 1)}, {{1, {answer, emits(1, {12})}}});
  BOOST_TEST(output_of(got) == "14:12");
}

BOOST_AUTO_TEST_CASE(an_answer_after_0_is_handled_inside_its_call) {
  // The second is answered before the third is called, and fails the job.
  const auto got = run(ordered(), {record(0, 1), record(0, 2), record(0, 3)},
                       {{1, {after(0)}}, {2, {fails(0)}}, {3, {after(0)}}});
  BOOST_TEST(output_of(got) == "0:2");
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1");
  BOOST_TEST(failure_of(got) == "0:io,2");
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_call_is_an_error_of_its_attempt) {
  const auto got =
    run(retries(1, 10, ordered()), {record(0, 1)}, {{1, {throws("io"), emits(1, {11})}}});
  BOOST_TEST(calls_of(got) == "0:1/1 10:1/2");
  BOOST_TEST(output_of(got) == "11:11");
}

BOOST_AUTO_TEST_CASE(one_that_is_never_answered_stays) {
  const auto got =
    run(unordered(), {record(0, 1), record(0, 2), watermark(0, 5)}, {{1, {silence()}}});
  BOOST_TEST(output_of(got) == "1:4");
}

BOOST_AUTO_TEST_CASE(answers_are_counted_by_value_and_the_last_repeats) {
  const auto got = run(ordered(), {record(0, 1), record(1, 1), record(2, 1)},
                       {{1, {emits(1, {10}), emits(1, {11})}}});
  BOOST_TEST(output_of(got) == "1:10 2:11 3:11");
}

BOOST_AUTO_TEST_SUITE_END()

// -- timeouts --

BOOST_AUTO_TEST_SUITE(reference_model_timeouts)

BOOST_AUTO_TEST_CASE(the_default_hook_fails_the_record) {
  const auto got = run(timeout(5, ordered()), {record(1, 1)}, {{1, {silence()}}});
  BOOST_TEST(failure_of(got) == "6:timeout_error,1");
}

BOOST_AUTO_TEST_CASE(the_hook_may_give_results_or_none_or_an_error) {
  const service silent{{1, {silence()}}};
  const auto with = [](scenario_hook hook) { return timeout(5, ordered(), std::move(hook)); };
  BOOST_TEST(output_of(run(with(hook_emits({-1, -2})), {record(0, 1, 7)}, silent))
             == "5:-1@7 5:-2@7");
  BOOST_TEST(output_of(run(with(hook_emits({})), {record(0, 1), watermark(0, 3)}, silent))
             == "5:w3");
  BOOST_TEST(failure_of(run(with(hook_error("late")), {record(0, 1)}, silent)) == "5:late,1");
}

BOOST_AUTO_TEST_CASE(the_hooks_error_is_not_retried) {
  const auto got = run(retries(3, 1, timeout(5, ordered(), hook_error("io"))), {record(0, 1)},
                       {{1, {silence()}}});
  BOOST_TEST(calls_of(got) == "0:1/1");
  BOOST_TEST(failure_of(got) == "5:io,1");
}

BOOST_AUTO_TEST_CASE(after_a_silent_hook_the_running_attempt_may_finish_and_is_the_last) {
  const auto with = retries(3, 1, timeout(5, ordered(), hook_nothing()));
  BOOST_TEST(output_of(run(with, {record(0, 1)}, {{1, {after(9)}}})) == "9:2");
  BOOST_TEST(failure_of(run(with, {record(0, 1)}, {{1, {fails(9)}}})) == "9:io,1");
}

BOOST_AUTO_TEST_CASE(after_a_silent_hook_one_that_does_not_run_fails) {
  const auto backs_off = run(retries(3, 10, timeout(5, ordered(), hook_nothing())), {record(0, 1)},
                             {{1, {fails(2)}}});
  BOOST_TEST(failure_of(backs_off) == "5:timeout_error,1");
  const auto waits = run(dropping(calls_max(1, timeout(5, unordered(), hook_nothing()))),
                         {record(0, 1), record(0, 2)}, {{1, {after(9)}}});
  BOOST_TEST(calls_of(waits) == "0:1/1");
  BOOST_TEST(output_of(waits) == "9:2");
}

BOOST_AUTO_TEST_CASE(an_answer_no_later_than_the_timeout_counts) {
  BOOST_TEST(output_of(run(timeout(5, ordered()), {record(0, 1)}, {{1, {after(5)}}})) == "5:2");
}

BOOST_AUTO_TEST_CASE(a_back_off_that_ends_at_the_timeout_starts_nothing) {
  const auto got =
    run(retries(3, 3, timeout(5, ordered())), {record(0, 1)}, {{1, {fails(2)}}});
  BOOST_TEST(calls_of(got) == "0:1/1");
  BOOST_TEST(failure_of(got) == "5:timeout_error,1");
}

BOOST_AUTO_TEST_CASE(the_timeout_runs_from_admission_over_all_attempts) {
  // GIVEN that the second is let in at 4
  const auto got = run(dead_letters(retries(9, 1, timeout(8, capacity(1, ordered())))),
                       {record(0, 1), record(0, 2)}, {{1, {after(4)}}, {2, {fails(2)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 4:2/1 7:2/2 10:2/3");
  // The third answer comes at 12 and counts, but the back-off that it asks for does not outlive it.
  BOOST_TEST(output_of(got) == "4:2 12:d2,timeout_error,3");
}

BOOST_AUTO_TEST_CASE(a_timeout_frees_the_call) {
  const auto got = run(dropping(calls_max(1, timeout(5, unordered()))),
                       {record(0, 1), record(1, 2)}, {{1, {silence()}}});
  BOOST_TEST(calls_of(got) == "0:1/1 5:2/1");
}

BOOST_AUTO_TEST_SUITE_END()

// -- retry --

BOOST_AUTO_TEST_SUITE(reference_model_retry)

BOOST_AUTO_TEST_CASE(a_fixed_delay_repeats_until_the_attempts_run_out) {
  const auto got = run(retries(2, 5, ordered()), {record(0, 1)}, {{1, {fails(1)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 6:1/2 12:1/3");
  BOOST_TEST(failure_of(got) == "13:io,1");
}

BOOST_AUTO_TEST_CASE(an_exponential_delay_grows_to_its_bound) {
  auto with = ordered();
  with.retry = {retry_kind::exponential, 4, 0, 10, 25, 1.5, true, {}};
  const auto got = run(with, {record(0, 1)}, {{1, {emits(0, {})}}});
  // 10, 15, 22.5 and 33.75, cut and bounded
  BOOST_TEST(calls_of(got) == "0:1/1 10:1/2 25:1/3 47:1/4 72:1/5");
  BOOST_TEST(output_of(got).empty());
}

BOOST_AUTO_TEST_CASE(a_predicate_that_does_not_hold_makes_an_outcome_final) {
  auto with = retries(2, 5, ordered());
  with.retry.if_error = "busy";
  BOOST_TEST(failure_of(run(with, {record(0, 1)}, {{1, {fails(1, "busy"), fails(1, "io")}}}))
             == "7:io,1");
  BOOST_TEST(calls_of(run(with, {record(0, 1)}, {{1, {emits(1, {})}}})) == "0:1/1");
}

BOOST_AUTO_TEST_CASE(a_final_error_fails_the_job_at_once_and_not_in_its_turn) {
  const auto got = run(ordered(), {record(0, 1), record(0, 2)}, {{1, {after(9)}}, {2, {fails(4)}}});
  BOOST_TEST(failure_of(got) == "4:io,2");
  BOOST_TEST(output_of(got).empty());
}

BOOST_AUTO_TEST_CASE(a_dead_letter_leaves_in_its_records_place_and_a_dropped_record_keeps_it) {
  const std::vector<scenario_input> input{record(0, 1), record(0, 2), record(0, 3)};
  const service answers{{1, {after(9)}}, {2, {fails(4)}}};
  BOOST_TEST(output_of(run(dead_letters(ordered()), input, answers)) == "9:2 9:d2,io,1 9:6");
  const auto dropped = run(dropping(capacity(2, ordered())), input, answers);
  BOOST_TEST(output_of(dropped) == "9:2 10:6");
}

BOOST_AUTO_TEST_SUITE_END()

// -- end of input --

BOOST_AUTO_TEST_SUITE(reference_model_end)

BOOST_AUTO_TEST_CASE(at_the_end_back_off_gets_one_last_attempt_at_once) {
  const auto got = run(dropping(retries(5, 100, unordered())), {record(0, 1), record(0, 2), end(9)},
                       {{1, {fails(3)}}, {2, {fails(2)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 9:1/2 9:2/2");
}

BOOST_AUTO_TEST_CASE(last_attempts_keep_to_the_bound_on_calls) {
  const auto got =
    run(dropping(retries(5, 100, calls_max(1, unordered()))),
        {record(0, 1), record(0, 2), record(0, 3), end(6)},
        {{1, {fails(2)}}, {2, {fails(2)}}, {3, {fails(9)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 2:2/1 4:3/1 13:1/2 15:2/2");
}

BOOST_AUTO_TEST_CASE(at_the_end_a_running_attempt_becomes_the_last) {
  const auto got = run(retries(5, 1, ordered()), {record(0, 1), end(2)}, {{1, {fails(3)}}});
  BOOST_TEST(failure_of(got) == "3:io,1");
}

BOOST_AUTO_TEST_CASE(input_has_ended_when_all_before_the_end_is_taken_in) {
  // The end is behind a record that waits for room until 9.
  const auto got = run(dropping(retries(1, 1, capacity(1, ordered()))),
                       {record(0, 1), record(0, 2), end(0)},
                       {{1, {fails(4), after(4)}}, {2, {fails(1)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 5:1/2 9:2/1");
  BOOST_TEST(output_of(got) == "9:2");
}

BOOST_AUTO_TEST_SUITE_END()

// -- barriers and restore --

BOOST_AUTO_TEST_SUITE(reference_model_restore)

BOOST_AUTO_TEST_CASE(a_barrier_waits_for_nothing) {
  const auto got = run(capacity(1, ordered()), {record(0, 1), record(0, 2), barrier(3, 7)},
                       slow_then_quick);
  BOOST_TEST(output_of(got) == "3:b7 10:2 13:4");
}

BOOST_AUTO_TEST_CASE(finished_records_are_not_called_again_and_leave_first) {
  const auto got = run(ordered(), {record(0, 1), record(0, 2), barrier(5, 7), restore(6, 7)},
                       slow_then_quick);
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 6:1/1");
  BOOST_TEST(output_of(got) == "5:b7 16:2 16:4");
}

BOOST_AUTO_TEST_CASE(finished_records_leave_in_the_order_of_arrival_after_a_restore) {
  // GIVEN that 3 finished before 2, both behind a watermark
  const auto got = run(unordered(),
                       {record(0, 1), watermark(0, 5), record(0, 2), record(0, 3), barrier(5, 7),
                        restore(6, 7)},
                       {{1, {silence(), after(2)}}, {2, {after(3)}}, {3, {after(2)}}});
  BOOST_TEST(output_of(got) == "5:b7 8:2 8:w5 8:4 8:6");
}

BOOST_AUTO_TEST_CASE(a_restored_record_has_the_attempt_and_the_time_that_it_had) {
  const auto got = run(dead_letters(retries(1, 5, timeout(30, ordered()))),
                       {record(0, 1), barrier(10, 7), restore(15, 7)},
                       {{1, {fails(2), silence()}}});
  // The second attempt started at 7; 20 of 30 are left at the barrier.
  BOOST_TEST(calls_of(got) == "0:1/1 7:1/2 15:1/2");
  BOOST_TEST(output_of(got) == "10:b7 35:d1,timeout_error,2");
}

BOOST_AUTO_TEST_CASE(an_interrupted_attempt_counts_also_where_it_is_not_repeated) {
  // GIVEN two calls under way, of which one alone is repeated, and runs on after a silent hook
  const auto with = dead_letters(calls_max(1, timeout(9, unordered(), hook_nothing())));
  const auto got =
    run(unordered(), {record(0, 1), record(0, 2), barrier(1, 7), restore(2, 7, with)},
        {{1, {silence()}}, {2, {silence()}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 2:1/1");
  BOOST_TEST(output_of(got) == "1:b7 11:d2,timeout_error,1");
}

BOOST_AUTO_TEST_CASE(a_back_off_goes_on_after_a_restore) {
  const auto got = run(retries(1, 20, ordered()), {record(0, 1), barrier(10, 7), restore(15, 7)},
                       {{1, {fails(2), after(1)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 27:1/2");
}

BOOST_AUTO_TEST_CASE(a_hook_that_was_called_is_not_called_again) {
  const auto got =
    run(retries(5, 1, timeout(5, ordered(), hook_nothing())),
        {record(0, 1), barrier(6, 7), restore(7, 7, timeout(5, ordered(), hook_emits({-1})))},
        {{1, {silence(), after(50)}}});
  BOOST_TEST(output_of(got) == "6:b7 57:2");
}

BOOST_AUTO_TEST_CASE(time_left_is_bounded_by_new_settings) {
  const auto input = [](const scenario_operator& with) {
    return std::vector{record(0, 1), barrier(10, 7), restore(10, 7, with)};
  };
  const service silent{{1, {silence()}}};
  const auto from = timeout(50, ordered());
  BOOST_TEST(failure_of(run(from, input(timeout(9, ordered())), silent)) == "19:timeout_error,1");
  BOOST_TEST(failure_of(run(from, input(timeout(99, ordered())), silent)) == "50:timeout_error,1");
  BOOST_TEST(failure_of(run(from, input(ordered()), silent)).empty());
  BOOST_TEST(failure_of(run(ordered(), input(timeout(9, ordered())), silent))
             == "19:timeout_error,1");
}

BOOST_AUTO_TEST_CASE(call_all_makes_every_record_new) {
  const auto got = run(retries(3, 5, timeout(30, ordered())),
                       {record(0, 1), record(0, 2), barrier(9, 7), call_all(20, 7)},
                       {{1, {fails(2), silence()}}, {2, {emits(1, {20}), emits(1, {21})}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 7:1/2 20:1/1 20:2/1");
  BOOST_TEST(failure_of(got) == "50:timeout_error,1");
}

BOOST_AUTO_TEST_CASE(waiting_input_in_front_of_the_barrier_comes_back) {
  const auto got = run(capacity(1, ordered()),
                       {record(0, 1), record(0, 2), barrier(5, 7), record(6, 3), restore(7, 7)},
                       slow_then_quick);
  BOOST_TEST(calls_of(got) == "0:1/1 7:1/1 17:2/1");
  BOOST_TEST(output_of(got) == "5:b7 17:2 20:4");
}

BOOST_AUTO_TEST_CASE(restored_entries_may_be_more_than_the_capacity) {
  const auto got = run(ordered(),
                       {record(0, 1), record(0, 2), record(0, 3), barrier(0, 7),
                        restore(5, 7, capacity(1, ordered())), record(5, 4)},
                       {{1, {silence(), after(10)}},
                        {2, {silence(), after(3)}},
                        {3, {silence(), after(3)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 0:3/1 5:1/1 15:2/1 18:3/1 21:4/1");
}

BOOST_AUTO_TEST_CASE(a_restored_outcome_stays_what_it_was) {
  const auto got = run(dead_letters(ordered()),
                       {record(0, 1), record(0, 2), barrier(5, 7), restore(6, 7, ordered())},
                       {{1, {after(10)}}, {2, {fails(3)}}});
  BOOST_TEST(output_of(got) == "5:b7 16:2 16:d2,io,1");
}

BOOST_AUTO_TEST_CASE(restored_by_key_records_of_one_key_wait_for_each_other) {
  const auto got =
    run(unordered(), {record(0, 1), record(0, 11), barrier(1, 7), restore(5, 7, key_ordered())},
        {{1, {after(10)}}, {11, {after(10)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:11/1 5:1/1 15:11/1");
}

BOOST_AUTO_TEST_CASE(restoring_an_earlier_barrier_takes_the_end_back) {
  const auto got = run(retries(1, 5, ordered()),
                       {record(0, 1), barrier(1, 7), end(2), restore(3, 7)},
                       {{1, {silence(), fails(1), after(1)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 3:1/1 9:1/2");
}

BOOST_AUTO_TEST_CASE(the_end_is_part_of_the_state) {
  const auto got = run(dropping(retries(1, 5, ordered())),
                       {record(0, 1), end(1), barrier(2, 7), restore(3, 7)},
                       {{1, {silence(), fails(1)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 3:1/1");
}

BOOST_AUTO_TEST_CASE(a_snapshot_may_be_restored_twice_and_output_stays) {
  const auto got = run(ordered(), {record(0, 2), barrier(1, 7), restore(9, 7), restore(20, 7)},
                       slow_then_quick);
  BOOST_TEST(output_of(got) == "1:b7 3:4 12:4 23:4");
}

BOOST_AUTO_TEST_CASE(an_unknown_barrier_is_refused) {
  BOOST_CHECK_THROW(run(ordered(), {restore(1, 7)}), std::invalid_argument);
}

BOOST_AUTO_TEST_SUITE_END()

// -- what files cannot say --

BOOST_AUTO_TEST_SUITE(reference_model_bytes)

BOOST_AUTO_TEST_CASE(held_bytes_stop_the_intake) {
  // A record holds 8 bytes; with two of them the bound is passed.
  const auto got = run(bytes_max(10, ordered()), {record(0, 1), record(0, 2), record(0, 3)},
                       {{1, {after(4)}}, {2, {after(6)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 4:3/1");
}

BOOST_AUTO_TEST_CASE(one_above_the_bound_passes_alone) {
  const auto got = run(bytes_max(10, unordered()), {large_record(0, 1, 100), record(0, 2)},
                       {{1, {after(4)}}});
  BOOST_TEST(calls_of(got) == "0:1/1 4:2/1");
}

BOOST_AUTO_TEST_CASE(results_that_wait_hold_bytes) {
  // 8 and 8, and with two results in a list 16 and 24 more.
  const auto got = run(bytes_max(56, ordered()), {record(0, 1), record(0, 2), record(4, 3)},
                       {{1, {after(10)}}, {2, {emits(3, {20, 21})}}});
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 10:3/1");
  const auto one = run(bytes_max(56, ordered()), {record(0, 1), record(0, 2), record(4, 3)},
                       {{1, {after(10)}}, {2, {emits(3, {20})}}});
  BOOST_TEST(calls_of(one) == "0:1/1 0:2/1 4:3/1");
}

BOOST_AUTO_TEST_CASE(above_the_bound_only_the_call_is_made_without_which_nothing_leaves) {
  const auto got = run(bytes_max(10, retries(1, 5, unordered())),
                       {record(0, 1), large_record(0, 2, 100), record(0, 3)},
                       {{1, {fails(2), after(1)}}, {2, {after(9)}}});
  // Record 1 could be called again at 7, but record 2 runs until 9.
  BOOST_TEST(calls_of(got) == "0:1/1 0:2/1 9:1/2 9:3/1");
  const auto alone = run(bytes_max(10, retries(1, 5, ordered())), {large_record(0, 1, 100)},
                         {{1, {fails(2), after(1)}}});
  BOOST_TEST(calls_of(alone) == "0:1/1 7:1/2");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(reference_model_room)

namespace {

trace run_with_room(std::vector<output_room> room, scenario_operator with,
                    std::vector<scenario_input> input, service answers = {}) {
  scenario what{"", std::move(with), std::move(input), std::move(answers), {}};
  what.room = std::move(room);
  return run_reference_model(what);
}

} // namespace

BOOST_AUTO_TEST_CASE(results_wait_for_room_and_borders_need_none) {
  const std::vector<scenario_input> input{record(0, 1), watermark(0, 5), record(0, 2)};
  BOOST_TEST(output_of(run_with_room({{5, 1, 0}, {9, 1, 0}}, ordered(), input)) == "5:2 5:w5 9:4");
  BOOST_TEST(output_of(run_with_room({}, ordered(), {watermark(2, 5), record(2, 1)})) == "2:w5");
}

BOOST_AUTO_TEST_CASE(results_of_one_record_may_take_more_than_there_is) {
  const auto got = run_with_room({{5, 1, 0}, {7, 2, 0}, {9, 1, 0}}, ordered(),
                                 {record(0, 1), record(0, 2)}, {{1, {emits(1, {10, 11, 12})}}});
  BOOST_TEST(output_of(got) == "5:10 5:11 5:12 9:4");
}

BOOST_AUTO_TEST_CASE(dead_letters_have_room_of_their_own_and_what_leaves_as_nothing_needs_none) {
  const service answers{{1, {fails(1)}}, {3, {emits(1, {})}}};
  const std::vector<scenario_input> input{record(0, 1), record(0, 2), record(0, 3), record(0, 4)};
  BOOST_TEST(output_of(run_with_room({{2, 9, 0}, {7, 0, 1}}, dead_letters(ordered()), input, answers))
             == "7:d1,io,1 7:4 7:8");
  BOOST_TEST(output_of(run_with_room({{2, 1, 0}, {7, 1, 0}}, dropping(ordered()), input, answers))
             == "2:4 7:8");
}

BOOST_AUTO_TEST_CASE(what_waits_for_room_downstream_has_its_place) {
  const auto got = run_with_room({{5, 9, 9}}, capacity(1, unordered()), {record(0, 1), record(0, 2)});
  BOOST_TEST(calls_of(got) == "0:1/1 5:2/1");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(reference_model_failure_rules)

BOOST_AUTO_TEST_CASE(the_first_rule_that_fits_counts) {
  const auto with = failing_with(
    "io", scenario_failure_action::drop,
    failing_with("busy", scenario_failure_action::fail_job,
                 failing_with("io", scenario_failure_action::dead_letter, dead_letters(ordered()))));
  const auto got = run(with, {record(0, 1), record(0, 2), record(4, 3)},
                       {{1, {fails(1, "io")}}, {2, {fails(1, "wrong")}}, {3, {fails(1, "busy")}}});
  // Of the rules, the one for io that stands first was written first.
  BOOST_TEST(output_of(got) == "1:d1,io,1 1:d2,wrong,1");
  BOOST_TEST(failure_of(got) == "5:busy,3");
}

BOOST_AUTO_TEST_CASE(what_is_thrown_and_timeouts_have_rules_of_their_own) {
  const auto with = failing_with(
    "timeout_error", scenario_failure_action::drop,
    failing_with("exception", scenario_failure_action::drop, dead_letters(timeout(5, ordered()))));
  const auto got
    = run(with, {record(0, 1), record(0, 2), record(0, 3), record(0, 4)},
          {{1, {throws("io")}}, {2, {fails(1, "exception")}}, {3, {fails(1, "timeout_error")}},
           {4, {silence()}}});
  BOOST_TEST(output_of(got) == "1:d2,exception,1 1:d3,timeout_error,1");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(reference_model_may_keep_retrying_at_the_end) {
  const std::vector<scenario_input> input{record(0, 1), end(3)};
  const service answers{{1, {fails(2), fails(2), after(1)}}};
  BOOST_TEST(calls_of(run(dead_letters(retries(5, 5, ordered())), input, answers)) == "0:1/1 3:1/2");
  const auto got = run(keeps_retrying(dead_letters(retries(5, 5, ordered()))), input, answers);
  BOOST_TEST(calls_of(got) == "0:1/1 7:1/2 14:1/3");
  BOOST_TEST((got.account->ended_at == std::vector<millis>{15}));
}

BOOST_AUTO_TEST_SUITE(reference_model_account)

BOOST_AUTO_TEST_CASE(everything_is_counted) {
  auto fails_twice = fails(2);
  fails_twice.twice = {after(3)};
  const auto got
    = run(dead_letters(retries(1, 2, timeout(20, unordered()))),
          {record(0, 1), record(0, 2), record(1, 3), end(9)},
          {{1, {fails(1), emits(1, {10, 11})}}, {2, {fails_twice}}, {3, {after(2)}}});
  run_account expected;
  expected.records_in = 3;
  expected.records_finished = 3;
  expected.records_out = 3;
  expected.calls = 5;
  expected.retries = 2;
  expected.dead_letters = 1;
  expected.late_completions = 2;
  expected.attempt_times = {{2, 2}};
  expected.ended_at = {9};
  BOOST_TEST((got.account == expected));
}

BOOST_AUTO_TEST_CASE(what_is_left_at_the_end_is_counted) {
  const auto got = run(ordered(), {record(0, 1), watermark(0, 3)}, {{1, {silence()}}});
  BOOST_TEST(got.account->held == 2u);
  BOOST_TEST(got.account->running == 1u);
  BOOST_TEST(got.account->ended_at.empty());
}

BOOST_AUTO_TEST_CASE(the_times_of_the_last_four_attempts_are_known) {
  const auto got = run(dead_letters(retries(5, 1, timeout(100, ordered()))), {record(0, 1)},
                       {{1, {fails(1), fails(2), fails(3), fails(4), fails(5), fails(6)}}});
  BOOST_TEST((got.account->attempt_times == std::vector<std::vector<millis>>{{3, 4, 5, 6}}));
}

BOOST_AUTO_TEST_CASE(an_attempt_that_a_timeout_ends_has_its_time_too) {
  const auto got = run(dead_letters(timeout(7, ordered())), {record(0, 1)}, {{1, {after(9)}}});
  BOOST_TEST(got.account->timeouts == 1u);
  BOOST_TEST(got.account->late_completions == 1u);
  BOOST_TEST((got.account->attempt_times == std::vector<std::vector<millis>>{{7}}));
}

BOOST_AUTO_TEST_SUITE_END()

// -- what chance decides --

namespace {

/// The outputs of a scenario in all orders of its events.
std::set<std::string> outputs_in_all_orders(const scenario& what) {
  std::set<std::string> outputs;
  std::vector<std::size_t> choices;
  do {
    std::vector<std::size_t> widths;
    const auto choose = [&](std::span<const event_description> due) {
      if (widths.size() == choices.size())
        choices.push_back(0);
      widths.push_back(due.size());
      return choices[widths.size() - 1];
    };
    const auto got = run_reference_model(what, choose);
    outputs.insert(output_of(got) + failure_of(got));
    while (!choices.empty() && choices.back() + 1 == widths[choices.size() - 1])
      choices.pop_back();
    if (!choices.empty())
      ++choices.back();
  } while (!choices.empty());
  return outputs;
}

scenario in_all_orders(scenario_operator with, std::vector<scenario_input> input, service answers) {
  return {"", std::move(with), std::move(input), std::move(answers), {}};
}

} // namespace

BOOST_AUTO_TEST_SUITE(reference_model_choice)

BOOST_AUTO_TEST_CASE(answers_of_one_millisecond_may_come_in_any_order) {
  const auto what = in_all_orders(unordered(), {record(0, 1), record(0, 2), record(0, 3)}, {});
  BOOST_TEST(outputs_in_all_orders(what).size() == 6U);
}

BOOST_AUTO_TEST_CASE(input_keeps_the_order_of_the_file) {
  const auto what = in_all_orders(ordered(), {watermark(0, 1), watermark(0, 2)}, {});
  BOOST_TEST(outputs_in_all_orders(what) == std::set<std::string>{"0:w1 0:w2"});
}

BOOST_AUTO_TEST_CASE(input_may_come_before_an_answer_or_after_it) {
  const auto what = in_all_orders(ordered(), {record(0, 1), barrier(5, 7)}, {{1, {after(5)}}});
  const std::set<std::string> both{"5:2 5:b7", "5:b7 5:2"};
  BOOST_TEST(outputs_in_all_orders(what) == both);
}

BOOST_AUTO_TEST_CASE(of_one_record_the_answer_is_before_the_timeout) {
  const auto what = in_all_orders(timeout(5, unordered()), {record(0, 1)}, {{1, {after(5)}}});
  BOOST_TEST(outputs_in_all_orders(what) == std::set<std::string>{"5:2"});
}

BOOST_AUTO_TEST_CASE(of_one_record_the_timeout_is_before_the_end_of_back_off) {
  const auto what = in_all_orders(retries(1, 3, timeout(5, unordered())), {record(0, 1)},
                                  {{1, {fails(2), after(0)}}});
  BOOST_TEST(outputs_in_all_orders(what) == std::set<std::string>{"5:timeout_error,1"});
}

BOOST_AUTO_TEST_CASE(timeouts_come_in_the_order_of_arrival) {
  const auto what =
    in_all_orders(dead_letters(timeout(5, unordered())), {record(0, 1), record(0, 2)},
                  {{1, {silence()}}, {2, {silence()}}});
  BOOST_TEST(outputs_in_all_orders(what)
             == std::set<std::string>{"5:d1,timeout_error,1 5:d2,timeout_error,1"});
}

BOOST_AUTO_TEST_SUITE_END()
