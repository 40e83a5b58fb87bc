// SPDX-License-Identifier: Apache-2.0

/// When an async wait operator calls again, and what the end of input does to that.

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

// -- retry --

BOOST_FIXTURE_TEST_SUITE(retry, retrying)

BOOST_AUTO_TEST_CASE(an_error_is_tried_again_after_the_delay) {
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{9});
  BOOST_TEST(transcript() == "call 1\n");
  advance(ms{1});
  complete(1);
  BOOST_TEST(transcript() == "call 1 attempt 2\nout 10\n");
  BOOST_TEST(counts().retries == 1u);
}

BOOST_AUTO_TEST_CASE(max_attempts_is_the_number_of_retries) {
  start(output_mode::ordered);
  push(1);
  for (int n = 0; n < 3; ++n) {
    fail(1, "io");
    advance(ms{10});
  }
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\ncall 1 attempt 3\ndead 1 io after 3\n");
}

BOOST_AUTO_TEST_CASE(an_empty_result_is_tried_again_where_it_is_asked_for) {
  start(output_mode::ordered);
  answer_at_once(2, [this](result_future<item> done) {
    answers_at_once.clear();
    done.complete_empty();
  });
  push({1, 2});
  complete(1, {});
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 1 attempt 2\ncall 2 attempt 2\n");
}

BOOST_AUTO_TEST_CASE(an_empty_result_is_final_where_only_errors_are_tried_again) {
  options.retry = fixed_delay{2, ms{10}, any_error()};
  start(output_mode::ordered);
  push(1);
  complete(1, {});
  BOOST_TEST(machine->size() == 0u);
}

BOOST_AUTO_TEST_CASE(an_error_that_the_predicate_refuses_is_final) {
  options.retry = fixed_delay{2, ms{10}, error_of_kind({"busy"})};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 io after 1\n");
}

BOOST_AUTO_TEST_CASE(a_predicate_that_throws_is_a_final_failure) {
  options.retry = fixed_delay{
    2, ms{10}, [](const error&) -> bool { throw std::runtime_error("predicate broke"); }};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 exception after 1\n");
  BOOST_TEST(latest_dead_letter->why.message().find("predicate broke") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(whatever_a_predicate_throws_is_a_final_failure) {
  options.retry = fixed_delay{2, ms{10}, [](const error&) -> bool { throw 7; }};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 exception after 1\n");
}

BOOST_AUTO_TEST_CASE(the_timeout_spans_all_attempts) {
  options.timeout = ms{25};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{10});
  fail(1, "io");
  advance(ms{14});
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\ncall 1 attempt 3\n");
  advance(ms{1});
  BOOST_TEST(transcript() == "dead 1 timeout_error after 3\n");
}

BOOST_AUTO_TEST_CASE(a_back_off_that_ends_when_the_timeout_passes_starts_nothing) {
  options.timeout = ms{10};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(what_is_due_is_handled_in_the_order_of_time_even_late) {
  options.max_concurrent_calls = 1;
  options.timeout = ms{20};
  start(output_mode::unordered);
  push(1);
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\n");
  now += ms{30};
  machine->tick(out(), now, now);
  BOOST_TEST(transcript() == "call 1 attempt 2\ndead 1 timeout_error after 2\n");
}

BOOST_AUTO_TEST_CASE(a_forgotten_future_is_an_error_like_any_other) {
  start(output_mode::ordered);
  push(1);
  for (int n = 0; n < 3; ++n) {
    forget(1);
    advance(ms{10});
  }
  BOOST_TEST(transcript()
             == "call 1\ncall 1 attempt 2\ncall 1 attempt 3\ndead 1 abandoned after 3\n");
}

BOOST_AUTO_TEST_CASE(a_delay_of_more_time_than_there_is_waits_for_the_timeout) {
  options.retry = fixed_delay{2, duration::max(), any_error()};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(jitter_takes_a_part_off_the_delay_of_each_record) {
  options.retry = exponential_delay{1, ms{100}, ms{100}, 1, 0.5, any_error()};
  start(output_mode::unordered);
  push({1, 2, 3, 4});
  for (int record = 1; record <= 4; ++record)
    fail(record, "io");
  transcript();
  advance(ms{49});
  BOOST_TEST(transcript() == "");
  const auto first = machine->next_due();
  advance(ms{51});
  BOOST_TEST(counts().retries == 4u);
  BOOST_TEST((first > now - ms{50} && first <= now));
}

BOOST_AUTO_TEST_SUITE_END()

// -- end of input --

BOOST_FIXTURE_TEST_SUITE(end_of_input, retrying)

BOOST_AUTO_TEST_CASE(the_end_leaves_after_every_record) {
  start(output_mode::unordered);
  push({1, 2});
  watermark(1);
  end();
  complete(2);
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 20\n");
  BOOST_TEST(!machine->finished());
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 1\nend\n");
  BOOST_TEST(machine->finished());
}

BOOST_AUTO_TEST_CASE(without_a_record_the_end_leaves_at_once) {
  start(output_mode::ordered);
  end();
  BOOST_TEST(transcript() == "end\n");
}

BOOST_AUTO_TEST_CASE(the_end_needs_no_room_in_a_full_queue) {
  options.capacity = 1;
  start(output_mode::ordered);
  push(1);
  end();
  // That it was taken is seen by the missing retry.
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 io after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(input_has_not_ended_while_a_record_before_the_end_waits_for_room) {
  options.capacity = 1;
  start(output_mode::ordered);
  push({1, 2});
  end();
  fail(1, "io");
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\n");
  complete(1);
  fail(2, "io");
  BOOST_TEST(transcript() == "out 10\ncall 2\ndead 2 io after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(records_in_back_off_get_one_last_attempt_at_once_in_arrival_order) {
  start(output_mode::ordered);
  push({1, 2, 3});
  for (const int record : {3, 1, 2}) {
    fail(record, "io");
    advance(ms{1});
  }
  transcript();
  end();
  BOOST_TEST(transcript() == "call 1 attempt 2\ncall 2 attempt 2\ncall 3 attempt 2\n");
  for (const int record : {1, 2, 3})
    fail(record, "io");
  advance(ms{100});
  BOOST_TEST(transcript() == "dead 1 io after 2\ndead 2 io after 2\ndead 3 io after 2\nend\n");
}

BOOST_AUTO_TEST_CASE(last_attempts_keep_to_the_bound_on_calls) {
  options.max_concurrent_calls = 1;
  start(output_mode::ordered);
  push({1, 2, 3});
  fail(1, "io");
  fail(2, "io");
  transcript();
  end();
  BOOST_TEST(transcript() == "");
  fail(3, "io");
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
  complete(1);
  complete(2);
  BOOST_TEST(transcript() == "out 10\ncall 2 attempt 2\nout 20\ndead 3 io after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(a_record_that_was_never_called_gets_its_one_attempt) {
  options.max_concurrent_calls = 1;
  start(output_mode::ordered);
  push({1, 2});
  end();
  fail(1, "io");
  fail(2, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 io after 1\ncall 2\ndead 2 io after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(timeouts_go_on_after_the_end) {
  start(output_mode::ordered);
  push(1);
  end();
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(a_predicate_may_look_at_the_results) {
  options.timeout = ms{1000};
  options.retry = fixed_delay{2, ms{10}, {}, result_where<item>([](std::span<const item> all) {
    return all.size() != 1 || all.front().value < 0;
  })};
  start(output_mode::ordered);
  push({1, 2, 3});
  transcript();
  complete(1, {-1});
  complete(2, {20, 21});
  complete(3);
  BOOST_TEST(transcript() == "");
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1 attempt 2\ncall 2 attempt 2\n");
  complete(1);
  complete(2, {20});
  BOOST_TEST(transcript() == "out 10\nout 20\nout 30\n");
}

BOOST_AUTO_TEST_CASE(a_call_that_completes_at_once_is_asked_about_too) {
  options.timeout = ms{1000};
  options.retry = fixed_delay{1, ms{10}, {}, result_where<item>([](std::span<const item> all) {
    return all.front().value == 10;
  })};
  start(output_mode::unordered);
  answer_at_once(1, [](result_future<item> done) { done.complete(item{10, 8}); });
  answer_at_once(2, [](result_future<item> done) { done.complete(item{20, 8}); });
  push({1, 2});
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 20\n");
}

BOOST_AUTO_TEST_CASE(a_predicate_on_results_that_throws_is_a_final_failure) {
  options.timeout = ms{1000};
  options.on_failure = failure_action::dead_letter;
  options.retry = fixed_delay{1, ms{10}, any_error(),
                              result_where<item>([](std::span<const item>) -> bool {
                                throw std::runtime_error("cannot say");
                              })};
  start(output_mode::ordered);
  push(1);
  complete(1);
  BOOST_TEST(transcript() == "call 1\ndead 1 exception after 1\n");
  BOOST_TEST(latest_dead_letter->why.message() == "its retry predicate threw: cannot say");
}

BOOST_AUTO_TEST_CASE(a_strategy_may_be_of_ones_own_class) {
  struct by_table {
    std::vector<duration> waits;
    duration operator()(std::uint32_t n) const { return waits.at(n - 1); }
  };
  options.timeout = ms{1000};
  options.on_failure = failure_action::dead_letter;
  options.retry = custom_delay{3, by_table{{ms{7}, ms{-3}}}, any_error()};
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{6});
  BOOST_TEST(transcript() == "call 1\n");
  advance(ms{1});
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
  // What is less than nothing is nothing.
  fail(1, "io");
  advance(ms{0});
  BOOST_TEST(transcript() == "call 1 attempt 3\n");
  // The table has no more.
  fail(1, "io");
  BOOST_TEST(transcript() == "dead 1 exception after 3\n");
  BOOST_TEST(latest_dead_letter->why.message().starts_with("its retry delay threw: "));
}

BOOST_AUTO_TEST_SUITE_END()
