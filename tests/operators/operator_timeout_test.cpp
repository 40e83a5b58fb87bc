// SPDX-License-Identifier: Apache-2.0

/// When an async wait operator gives a record up, and what the timeout hook may do about it.

#include "../support/machine_fixture.hpp"

namespace {

using namespace weir;
using namespace weir::testing;

struct retrying : machine_fixture {
  retrying() {
    options.timeout = ms{1000};
    options.retry = fixed_delay{2, ms{10}, any_error(), empty_result()};
    options.on_failure = failure_action::dead_letter;
  }
};

} // namespace

// -- timeout --

BOOST_FIXTURE_TEST_SUITE(timeout, machine_fixture)

BOOST_AUTO_TEST_CASE(a_timeout_fails_the_record_and_a_late_result_is_ignored) {
  options.timeout = ms{100};
  options.on_failure = failure_action::dead_letter;
  start(output_mode::ordered);
  push(1);
  advance(ms{99});
  BOOST_TEST(transcript() == "call 1\n");
  advance(ms{1});
  BOOST_TEST(transcript() == "dead 1 timeout_error after 1\n");
  complete(1);
  BOOST_TEST(transcript() == "");
  BOOST_TEST(counts().timeouts == 1u);
  BOOST_TEST(counts().late_completions == 1u);
}

BOOST_AUTO_TEST_CASE(a_timeout_is_kept_to_the_nanosecond) {
  options.timeout = duration{1};
  start(output_mode::ordered);
  push(1);
  BOOST_TEST((machine->next_due() == now + duration{1}));
  advance(duration{1});
  BOOST_TEST(transcript() == "call 1\nfailed 1 timeout_error\n");
}

BOOST_AUTO_TEST_CASE(a_call_that_nobody_completes_after_a_silent_hook_has_timed_out) {
  options.timeout = ms{100};
  options.on_failure = failure_action::dead_letter;
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push(1);
  advance(ms{100});
  BOOST_TEST(transcript() == "call 1\nhook 1\n");
  forget(1);
  settle();
  BOOST_TEST(transcript() == "dead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(a_completion_that_comes_when_the_timeout_passes_counts) {
  options.timeout = ms{100};
  start(output_mode::ordered);
  push(1);
  auto done = take_future(1);
  advance(ms{99});
  done.complete(item{10, 8});
  advance(ms{1});
  BOOST_TEST(transcript() == "call 1\nout 10\n");
}

BOOST_AUTO_TEST_CASE(without_a_timeout_a_record_may_take_forever) {
  start(output_mode::ordered);
  push(1);
  BOOST_TEST((machine->next_due() == time_point::max()));
  BOOST_TEST((held.begin()->second.deadline() == time_point::max()));
}

BOOST_AUTO_TEST_CASE(a_timeout_of_more_time_than_there_is_never_passes) {
  options.timeout = duration::max();
  start(output_mode::ordered);
  push(1);
  advance(std::chrono::hours{24 * 365});
  BOOST_TEST(transcript() == "call 1\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\n");
}

BOOST_AUTO_TEST_CASE(a_call_is_told_when_its_records_timeout_passes) {
  options.timeout = ms{100};
  options.max_concurrent_calls = 1;
  start(output_mode::ordered);
  const auto admitted = now;
  push({1, 2});
  BOOST_TEST((held.find(1)->second.deadline() == admitted + ms{100}));
  advance(ms{30});
  complete(1);
  BOOST_TEST((held.find(2)->second.deadline() == admitted + ms{100}));
}

BOOST_AUTO_TEST_CASE(the_timeout_runs_from_the_admission_not_from_the_arrival) {
  options.capacity = 1;
  options.timeout = ms{100};
  start(output_mode::ordered);
  push({1, 2});
  advance(ms{60});
  complete(1);
  advance(ms{99});
  BOOST_TEST(transcript() == "call 1\nout 10\ncall 2\n");
  advance(ms{1});
  BOOST_TEST(transcript() == "failed 2 timeout_error\n");
}

BOOST_AUTO_TEST_CASE(timeouts_of_one_moment_come_in_arrival_order) {
  options.timeout = ms{10};
  hook([](const item& x, result_future<item> done) { done.complete(item{-x.value, 8}); });
  start(output_mode::unordered);
  push({3, 1, 2});
  advance(ms{10});
  BOOST_TEST(transcript()
             == "call 3\ncall 1\ncall 2\nhook 3\nout -3\nhook 1\nout -1\nhook 2\nout -2\n");
}

BOOST_AUTO_TEST_CASE(input_that_waits_comes_in_between_two_timeouts_where_the_caller_lets_it) {
  options.capacity = 2;
  options.timeout = ms{10};
  hook([](const item& x, result_future<item> done) { done.complete(item{-x.value, 8}); });
  start(output_mode::unordered);
  answer_at_once(3, [](result_future<item> done) { done.complete(item{30, 8}); });
  push({1, 2, 3});
  transcript();
  now += ms{10};
  BOOST_TEST(machine->step(out(), now, now));
  machine->take(input, taken, out(), now);
  BOOST_TEST(machine->step(out(), now, now));
  BOOST_TEST(!machine->step(out(), now, now));
  BOOST_TEST(transcript() == "hook 1\nout -1\ncall 3\nout 30\nhook 2\nout -2\n");
}

BOOST_AUTO_TEST_SUITE_END()

// -- the timeout hook --

BOOST_FIXTURE_TEST_SUITE(timeout_hook, retrying)

BOOST_AUTO_TEST_CASE(what_the_hook_completes_with_takes_the_records_turn) {
  hook([](const item&, result_future<item> done) { done.complete({item{-1, 8}, item{-2, 8}}); });
  start(output_mode::ordered);
  push(1);
  advance(ms{500});
  push(2);
  complete(2);
  advance(ms{500});
  BOOST_TEST(transcript() == "call 1\ncall 2\nhook 1\nout -1\nout -2\nout 20\n");
}

BOOST_AUTO_TEST_CASE(an_error_of_the_hook_is_final) {
  hook([](const item&, result_future<item> done) { done.fail(failure("io")); });
  start(output_mode::ordered);
  push(1);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\nhook 1\ndead 1 io after 1\n");
}

BOOST_AUTO_TEST_CASE(an_empty_completion_of_the_hook_is_final) {
  hook([](const item&, result_future<item> done) { done.complete_empty(); });
  start(output_mode::ordered);
  push(1);
  advance(ms{2000});
  BOOST_TEST(transcript() == "call 1\nhook 1\n");
  BOOST_TEST(machine->size() == 0u);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_hook_is_final) {
  hook([](const item&, result_future<item>) { throw std::runtime_error("hook"); });
  start(output_mode::ordered);
  push(1);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\nhook 1\ndead 1 exception after 1\n");
}

BOOST_AUTO_TEST_CASE(after_a_hook_that_completes_nothing_the_running_attempt_may_finish) {
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push(1);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\nhook 1\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\n");
}

BOOST_AUTO_TEST_CASE(an_attempt_that_fails_after_the_hook_is_not_tried_again) {
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push({1, 2});
  advance(ms{1000});
  transcript();
  fail(1, "io");
  complete(2, {});
  BOOST_TEST(transcript() == "dead 1 io after 1\n");
  BOOST_TEST(machine->size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_record_in_back_off_fails_where_the_hook_completes_nothing) {
  options.retry = fixed_delay{2, ms{600}, any_error()};
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push(1);
  advance(ms{500});
  fail(1, "io");
  advance(ms{5000});
  BOOST_TEST(transcript() == "call 1\nhook 1\ndead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(the_hook_may_complete_later) {
  std::vector<result_future<item>> kept;
  hook([&](const item&, result_future<item> done) { kept.push_back(std::move(done)); });
  start(output_mode::ordered);
  push({1, 2});
  advance(ms{1000});
  transcript();
  kept[0].complete(item{-1, 8});
  settle();
  BOOST_TEST(transcript() == "out -1\n");
  // The attempt is faster than the hook of the second record.
  complete(2);
  kept[1].complete(item{-2, 8});
  settle();
  BOOST_TEST(transcript() == "out 20\n");
  BOOST_TEST(counts().late_completions == 1u);
}

BOOST_AUTO_TEST_CASE(the_hooks_future_knows_the_attempt_that_runs) {
  std::vector<std::uint32_t> attempts;
  hook([&](const item&, result_future<item> done) { attempts.push_back(done.attempt()); });
  start(output_mode::unordered);
  push(1);
  fail(1, "io");
  advance(ms{1000});
  BOOST_TEST(attempts == std::vector<std::uint32_t>{2}, boost::test_tools::per_element());
}

// -- calls that are given up at the timeout --

BOOST_AUTO_TEST_CASE(a_call_that_is_given_up_before_the_operator_looks_times_out) {
  hook([](const item&, result_future<item> done) { done.complete(item{-1, 8}); });
  start(output_mode::ordered);
  push(1);
  // Past the deadline, but the operator's wake-up is late.
  now += ms{1000};
  take_future(1).expire();
  settle();
  BOOST_TEST(transcript() == "call 1\nhook 1\nout -1\n");
  BOOST_TEST(counts().timeouts == 1u);
  advance(ms{5000});
  BOOST_TEST(transcript() == "");
}

BOOST_AUTO_TEST_CASE(a_call_that_is_given_up_fails_as_timed_out_where_the_hook_left_it_to_the_call) {
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push({1, 2});
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\ncall 2\nhook 1\nhook 2\n");
  take_future(1).expire();
  settle();
  BOOST_TEST(transcript() == "dead 1 timeout_error after 1\n");
  BOOST_TEST(counts().timeouts == 2u);
}

BOOST_AUTO_TEST_CASE(a_call_that_is_given_up_fails_as_timed_out_also_if_the_hook_runs_only_then) {
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push(1);
  now += ms{1000};
  take_future(1).expire();
  settle();
  BOOST_TEST(transcript() == "call 1\nhook 1\ndead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(to_give_up_a_call_that_is_over_changes_nothing) {
  start(output_mode::ordered);
  push(1);
  advance(ms{1000});
  // In the place of the first.
  push(2);
  transcript();
  take_future(1).expire();
  settle();
  BOOST_TEST(transcript() == "");
  auto second = take_future(2);
  second.complete(item{20, 8});
  second.expire();
  settle();
  BOOST_TEST(transcript() == "out 20\n");
  BOOST_TEST(counts().timeouts == 1u);
  result_future<item>{}.expire();
}

BOOST_AUTO_TEST_SUITE_END()
