// SPDX-License-Identifier: Apache-2.0

/// What an async wait operator does, rule by rule: completions and failures of calls. Its other
/// pages: operator_order_test.cpp, operator_capacity_test.cpp, operator_timeout_test.cpp,
/// operator_retry_test.cpp; ../tools/operator_random_test.cpp holds it to a model of all of them.

#include "../support/machine_fixture.hpp"

#include <thread>

namespace {

using namespace weir;
using namespace weir::testing;

} // namespace

// -- completions --

BOOST_FIXTURE_TEST_SUITE(completions, machine_fixture)

BOOST_DATA_TEST_CASE_F(machine_fixture, a_call_may_complete_before_it_returns, every_mode) {
  start(sample);
  answer_at_once(1, [](result_future<item> done) { done.complete(item{11, 8}); });
  answer_at_once(2, [](result_future<item> done) { done.complete_empty(); });
  answer_at_once(3, [](result_future<item> done) { done.complete({item{31, 8}, item{32, 8}}); });
  push({1, 2, 3});
  BOOST_TEST(transcript() == "call 1\nout 11\ncall 2\ncall 3\nout 31\nout 32\n");
  BOOST_TEST(machine->size() == 0u);
}

BOOST_AUTO_TEST_CASE(a_call_that_completes_at_once_still_waits_for_its_turn) {
  start(output_mode::ordered);
  answer_at_once(2, [](result_future<item> done) { done.complete(item{20, 8}); });
  push({1, 2});
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 20\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, input_goes_on_when_a_call_that_had_waited_completes_at_once,
                       every_mode) {
  // GIVEN a full queue, a record that waits for a call, and input that waits for room
  options.capacity = 2;
  options.max_concurrent_calls = 1;
  start(sample);
  for (const int record : {2, 3, 4, 5})
    answer_at_once(record, [=](result_future<item> done) { done.complete(item{10 * record, 8}); });
  push({1, 2});
  // WHEN the answer comes just before the next elements
  take_future(1).complete(item{10, 8});
  push({3, 4, 5});
  // THEN all are taken by that one push
  BOOST_TEST(waiting_input() == 0u);
  BOOST_TEST(counts().records_out == 5u);
}

BOOST_AUTO_TEST_CASE(a_call_may_complete_the_call_of_another_record) {
  start(output_mode::unordered);
  answer_at_once(2, [this](result_future<item> done) {
    take_future(1).complete(item{10, 8});
    done.complete(item{20, 8});
  });
  push({1, 2});
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 10\nout 20\n");
}

BOOST_AUTO_TEST_CASE(what_a_call_completes_leaves_in_the_order_of_completion) {
  start(output_mode::unordered);
  answer_at_once(3, [this](result_future<item> done) {
    take_future(2).complete(item{20, 8});
    done.complete(item{30, 8});
    take_future(1).complete(item{10, 8});
  });
  push({1, 2, 3, 4});
  complete(4);
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 3\nout 20\nout 30\nout 10\ncall 4\nout 40\n");
}

BOOST_AUTO_TEST_CASE(what_waits_for_a_call_and_completes_others_keeps_that_order_too) {
  options.max_concurrent_calls = 2;
  start(output_mode::unordered);
  answer_at_once(3, [this](result_future<item> done) {
    take_future(2).complete(item{20, 8});
    done.complete(item{30, 8});
  });
  push({1, 2, 3, 4});
  complete(1);
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 10\ncall 3\nout 20\ncall 4\nout 30\n");
}

// -- suppliers --

BOOST_DATA_TEST_CASE_F(machine_fixture, a_supplier_is_asked_on_the_operators_thread, every_mode) {
  start(sample);
  push(1);
  std::thread::id asked_on;
  std::thread{[&, done = take_future(1)]() mutable {
    done.complete_with([&]() -> expected<std::vector<item>> {
      asked_on = std::this_thread::get_id();
      return std::vector{item{10, 8}, item{11, 8}};
    });
  }}.join();
  BOOST_TEST((asked_on == std::thread::id{}));
  settle();
  BOOST_TEST((asked_on == std::this_thread::get_id()));
  BOOST_TEST(transcript() == "call 1\nout 10\nout 11\n");
}

BOOST_AUTO_TEST_CASE(what_a_supplier_throws_or_says_is_an_error_of_that_attempt) {
  options.timeout = ms{100};
  options.retry = fixed_delay{2, ms{5}, any_error()};
  start(output_mode::ordered);
  push(1);
  take_future(1).complete_with([]() -> expected<std::vector<item>> { throw std::runtime_error("no"); });
  settle();
  advance(ms{5});
  take_future(1).complete_with([]() -> expected<std::vector<item>> { return failure("io"); });
  settle();
  advance(ms{5});
  complete(1);
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\ncall 1 attempt 3\nout 10\n");
}

BOOST_AUTO_TEST_CASE(a_supplier_that_comes_too_late_is_not_asked) {
  options.timeout = ms{10};
  hook([](const item&, result_future<item> done) {
    done.complete_with([]() -> expected<std::vector<item>> { return std::vector{item{-1, 8}}; });
  });
  start(output_mode::ordered);
  push(1);
  auto late = take_future(1);
  advance(ms{10});
  bool asked = false;
  late.complete_with([&]() -> expected<std::vector<item>> {
    asked = true;
    return std::vector<item>{};
  });
  settle();
  BOOST_TEST(!asked);
  BOOST_TEST(transcript() == "call 1\nhook 1\nout -1\n");
}

BOOST_AUTO_TEST_CASE(a_supplier_inside_the_call_is_asked_when_it_has_returned) {
  start(output_mode::unordered);
  bool returned = false;
  answer_at_once(1, [&](result_future<item> done) {
    done.complete_with([&]() -> expected<std::vector<item>> {
      BOOST_TEST(returned);
      return std::vector{item{10, 8}};
    });
    returned = true;
  });
  push(1);
  BOOST_TEST(transcript() == "call 1\nout 10\n");
}

// -- counts --

BOOST_AUTO_TEST_CASE(completions_behind_the_first_are_counted) {
  start(output_mode::ordered);
  push({1, 2});
  auto first = take_future(1);
  first.complete(item{10, 8});
  first.complete(item{11, 8});
  settle();
  first.fail({"io", "service", ""});
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 10\n");
  BOOST_TEST(counts().late_completions == 2u);
}

BOOST_AUTO_TEST_CASE(an_exception_of_the_call_is_an_error_of_that_attempt) {
  options.timeout = ms{100};
  options.retry = fixed_delay{1, ms{5}, error_of_kind({"exception"})};
  options.on_failure = failure_action::dead_letter;
  start(output_mode::ordered);
  answer_at_once(1, [](result_future<item>) { throw std::runtime_error("no such airport"); });
  push(1);
  advance(ms{5});
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\ndead 1 exception after 2\n");
  BOOST_TEST(latest_dead_letter->why.message().find("no such airport") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_thrown_need_not_be_a_std_exception) {
  options.on_failure = failure_action::dead_letter;
  start(output_mode::ordered);
  answer_at_once(1, [](result_future<item>) { throw 7; });
  push(1);
  BOOST_TEST(transcript() == "call 1\ndead 1 exception after 1\n");
}

BOOST_AUTO_TEST_CASE(a_completion_before_the_exception_wins) {
  start(output_mode::ordered);
  answer_at_once(1, [](result_future<item> done) {
    done.complete(item{10, 8});
    throw std::runtime_error("too late");
  });
  push(1);
  BOOST_TEST(transcript() == "call 1\nout 10\n");
}

BOOST_AUTO_TEST_CASE(a_completion_from_another_thread_before_the_exception_wins) {
  start(output_mode::ordered);
  answer_at_once(1, [](result_future<item> done) {
    std::thread{[done = std::move(done)]() mutable { done.complete(item{10, 8}); }}.join();
    throw std::runtime_error("too late");
  });
  push(1);
  settle();
  BOOST_TEST(transcript() == "call 1\nout 10\n");
}

BOOST_AUTO_TEST_CASE(an_exception_ends_the_attempt_even_if_its_future_lives_on) {
  options.timeout = ms{100};
  options.retry = fixed_delay{1, ms{5}, any_error()};
  start(output_mode::ordered);
  answer_at_once(1, [this](result_future<item> done) {
    answers_at_once.clear();
    held.emplace(1, std::move(done));
    throw std::runtime_error("after it was handed on");
  });
  push(1);
  auto first = take_future(1);
  advance(ms{5});
  first.complete(item{666, 8});
  settle();
  BOOST_TEST(counts().late_completions == 1u);
  complete(1);
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\nout 10\n");
}

BOOST_AUTO_TEST_CASE(a_late_completion_does_not_reach_the_record_that_now_has_the_slot) {
  options.capacity = 1;
  options.timeout = ms{10};
  hook([](const item&, result_future<item> done) { done.complete(item{-1, 8}); });
  start(output_mode::ordered);
  push(1);
  advance(ms{10});
  push(2);
  complete(1);
  BOOST_TEST(transcript() == "call 1\nhook 1\nout -1\ncall 2\n");
  BOOST_TEST(counts().late_completions == 1u);
  complete(2);
  BOOST_TEST(transcript() == "out 20\n");
}

BOOST_AUTO_TEST_SUITE_END()

// -- failures --

BOOST_FIXTURE_TEST_SUITE(failures, machine_fixture)

BOOST_DATA_TEST_CASE_F(machine_fixture, failing_the_job_does_not_wait_for_the_records_turn,
                       every_mode) {
  start(sample);
  push({1, 2});
  transcript();
  fail(2, "io");
  BOOST_TEST(transcript() == "failed 2 io\n");
  BOOST_TEST(machine->failure()->why.message() == "it said no");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, nothing_leaves_or_is_called_after_a_failure, every_mode) {
  options.capacity = 3;
  options.max_concurrent_calls = 2;
  options.timeout = ms{10};
  start(sample);
  push({1, 2, 3, 4});
  transcript();
  fail(2, "io");
  complete(1);
  advance(ms{50});
  end();
  BOOST_TEST(transcript() == "failed 2 io\n");
}

BOOST_AUTO_TEST_CASE(the_first_rule_that_fits_decides) {
  options.on_failure = failure_action::fail_job;
  options.failure_rules = {{"io", failure_action::drop},
                           {"io", failure_action::dead_letter},
                           {"timeout_error", failure_action::dead_letter}};
  options.timeout = ms{10};
  start(output_mode::unordered);
  push({1, 2, 3});
  transcript();
  fail(1, "io");
  BOOST_TEST(counts().dropped == 1u);
  fail(2, "busy");
  BOOST_TEST(transcript() == "failed 2 busy\n");
}

BOOST_AUTO_TEST_CASE(dead_letters_that_nobody_takes_are_counted) {
  options.on_failure = failure_action::dead_letter;
  dead_letters_wanted = false;
  start(output_mode::ordered);
  push({1, 2});
  transcript();
  fail(1, "io");
  complete(2);
  BOOST_TEST(transcript() == "out 20\n");
  BOOST_TEST(counts().dead_letters == 1u);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_tells_how_long_its_last_four_attempts_took) {
  options.on_failure = failure_action::dead_letter;
  options.timeout = ms{1000};
  options.retry = fixed_delay{9, ms{10}, any_error()};
  start(output_mode::ordered);
  push(1);
  for (int n = 1; n <= 4; ++n) {
    advance(ms{n});
    fail(1, "io");
    advance(ms{10});
  }
  advance(ms{1000});
  BOOST_TEST(latest_dead_letter->attempts == 5u);
  const std::vector<duration> expected{ms{2}, ms{3}, ms{4}, ms{1000 - 50}};
  BOOST_TEST((latest_dead_letter->durations == expected));
  // The call that the timeout cut off is observed like the others.
  BOOST_TEST(machine->call_durations().size() == 5u);
}

BOOST_AUTO_TEST_CASE(a_record_that_was_never_called_has_no_attempts) {
  options.on_failure = failure_action::dead_letter;
  options.max_concurrent_calls = 1;
  options.timeout = ms{10};
  hook([](const item&, result_future<item>) {});
  start(output_mode::unordered);
  push({1, 2});
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1\nhook 1\nhook 2\ndead 2 timeout_error after 0\n");
  BOOST_TEST(latest_dead_letter->durations.empty());
}

BOOST_AUTO_TEST_SUITE_END()
