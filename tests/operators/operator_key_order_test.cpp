// SPDX-License-Identifier: Apache-2.0

/// What an operator promises for each key of a keyed stream. The key of a record is its value modulo 10:
/// 1, 11 and 21 have one key.

#include "../support/machine_fixture.hpp"

namespace {

using namespace weir;
using namespace weir::testing;

struct keyed : machine_fixture {
  void start() { machine_fixture::start(output_mode::key_ordered); }

  void retry(std::uint32_t attempts) {
    options.timeout = ms{1000};
    options.retry = fixed_delay{attempts, ms{10}, any_error()};
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(key_order, keyed)

// -- calls --

BOOST_AUTO_TEST_CASE(records_of_one_key_are_called_one_after_the_other) {
  start();
  push({1, 2, 11, 21});
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 11\n");
  complete(11);
  BOOST_TEST(transcript() == "out 110\ncall 21\n");
}

BOOST_AUTO_TEST_CASE(a_record_that_retries_holds_back_its_own_key_alone) {
  retry(1);
  start();
  push({1, 11, 2});
  fail(1, "io");
  complete(2);
  push(12);
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 20\ncall 12\n");
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 11\n");
}

BOOST_AUTO_TEST_CASE(the_next_of_a_key_is_called_although_the_one_before_waits_for_room) {
  room(0);
  start();
  push({1, 11});
  complete(1);
  BOOST_TEST(transcript() == "call 1\ncall 11\n");
  complete(11);
  more_room(2);
  BOOST_TEST(transcript() == "out 10\nout 110\n");
}

BOOST_AUTO_TEST_CASE(a_free_call_goes_to_the_first_whose_key_is_free) {
  options.max_concurrent_calls = 2;
  start();
  push({1, 11, 2, 3});
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  complete(2);
  BOOST_TEST(transcript() == "out 20\ncall 3\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 11\n");
}

BOOST_AUTO_TEST_CASE(calls_that_complete_at_once_keep_the_order_of_their_key) {
  start();
  answer_at_once(11, [](result_future<item> done) { done.complete(item{110, 8}); });
  answer_at_once(2, [](result_future<item> done) { done.complete(item{20, 8}); });
  push({1, 11, 2});
  BOOST_TEST(transcript() == "call 1\ncall 2\nout 20\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 11\nout 110\n");
}

// -- leaving --

BOOST_AUTO_TEST_CASE(records_of_different_keys_leave_as_they_finish) {
  start();
  push({1, 2, 3});
  transcript();
  complete(3);
  complete(1);
  complete(2);
  BOOST_TEST(transcript() == "out 30\nout 10\nout 20\n");
}

BOOST_AUTO_TEST_CASE(one_that_times_out_while_it_waits_for_its_key_leaves_behind_the_earlier_ones) {
  options.timeout = ms{100};
  hook([](const item& x, result_future<item> done) {
    if (x.value == 11)
      done.complete(item{-11, 8});
  });
  start();
  push(1);
  push(11);
  advance(ms{100});
  push(2);
  BOOST_TEST(transcript() == "call 1\nhook 1\nhook 11\ncall 2\n");
  complete(2);
  complete(1);
  BOOST_TEST(transcript() == "out 20\nout 10\nout -11\n");
  BOOST_TEST(counts().calls == 2u);
}

BOOST_AUTO_TEST_CASE(those_that_were_held_leave_in_the_order_in_which_they_finished) {
  // GIVEN 11 finished before 1, of its own key, and 2, of another, finished between them
  options.timeout = ms{100};
  hook([](const item& x, result_future<item> done) {
    if (x.value == 11)
      done.complete(item{-11, 8});
  });
  room(0);
  start();
  push({1, 11, 2});
  advance(ms{100});
  complete(2);
  complete(1);
  push(3);
  complete(3);
  transcript();
  more_room(10);
  BOOST_TEST(transcript() == "out 20\nout 10\nout -11\nout 30\n");
}

// -- borders --

BOOST_AUTO_TEST_CASE(nothing_passes_a_border) {
  start();
  push({1, 2});
  watermark(5);
  push({11, 3});
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 3\n");
  complete(3);
  complete(2);
  BOOST_TEST(transcript() == "out 20\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 5\nout 30\ncall 11\n");
}

BOOST_AUTO_TEST_CASE(borders_take_no_capacity_and_come_in_when_the_queue_is_full) {
  options.capacity = 1;
  start();
  push(1);
  watermark(1);
  idle();
  active();
  watermark(2);
  push(2);
  BOOST_TEST(waiting_input() == 1u);
  BOOST_TEST(transcript() == "call 1\n");
  complete(1);
  BOOST_TEST(transcript()
             == "out 10\nwatermark 1\nidle\nactive\nwatermark 2\ncall 2\n");
}

BOOST_AUTO_TEST_CASE(a_border_behind_a_record_that_waits_for_room_waits_too) {
  options.capacity = 1;
  start();
  push({1, 2});
  watermark(1);
  BOOST_TEST(waiting_input() == 2u);
}

BOOST_AUTO_TEST_CASE(beyond_a_thousand_watermarks_in_a_row_are_merged_into_the_newest) {
  start();
  push(1);
  for (int at = 1; at <= 5000; ++at)
    watermark(at);
  BOOST_TEST(machine->size() == 1001u);
  transcript();
  complete(1);
  const auto left = transcript();
  BOOST_TEST(left.starts_with("out 10\nwatermark 1\nwatermark 2\n"), left);
  BOOST_TEST(left.ends_with("watermark 999\nwatermark 5000\n"), left);
}

BOOST_AUTO_TEST_CASE(a_watermark_that_is_merged_does_not_pass_a_status) {
  start();
  push(1);
  for (int at = 1; at <= 1000; ++at)
    watermark(at);
  idle();
  active();
  watermark(5000);
  transcript();
  complete(1);
  const auto left = transcript();
  BOOST_TEST(left.ends_with("watermark 999\nidle\nactive\nwatermark 5000\n"), left);
}

BOOST_AUTO_TEST_CASE(beyond_a_thousand_statuses_the_next_takes_the_place_of_the_one_directly_before_it) {
  start();
  push(1);
  for (int i = 0; i < 750; ++i) {
    idle();
    active();
  }
  idle();
  BOOST_TEST(machine->size() == 1001u);
  transcript();
  complete(1);
  const auto left = transcript();
  BOOST_TEST(left.ends_with("active\nidle\nactive\nidle\nidle\n"), left);
}

BOOST_AUTO_TEST_CASE(a_watermark_stays_behind_the_status_behind_which_it_came) {
  start();
  push(1);
  for (int i = 0; i < 500; ++i) {
    idle();
    active();
  }
  watermark(7);
  watermark(8);
  idle();
  transcript();
  complete(1);
  const auto left = transcript();
  BOOST_TEST(left.ends_with("idle\nactive\nactive\nwatermark 7\nwatermark 8\nidle\n"), left);
}

BOOST_AUTO_TEST_CASE(borders_of_both_kinds_in_a_row_are_bounded) {
  start();
  push(1);
  for (int i = 0; i < 5000; ++i) {
    watermark(2 * i);
    idle();
    watermark(2 * i + 1);
    active();
  }
  BOOST_TEST(machine->size() <= 2002u);
  transcript();
  complete(1);
  const auto left = transcript();
  BOOST_TEST(left.ends_with("watermark 9999\nactive\n"), left);
}

BOOST_AUTO_TEST_CASE(a_restore_merges_what_another_mode_had_kept_apart) {
  options.capacity = 5000;
  machine_fixture::start(output_mode::ordered);
  push(1);
  for (int at = 1; at <= 1500; ++at)
    watermark(at);
  push(2);
  watermark(1501);
  crash_and_restore(output_mode::key_ordered);
  BOOST_TEST(machine->size() == 1003u);
  transcript();
  complete(1);
  BOOST_TEST(transcript().ends_with("watermark 999\nwatermark 1500\n"));
  complete(2);
  BOOST_TEST(transcript() == "out 20\nwatermark 1501\n");
}

BOOST_AUTO_TEST_CASE(watermarks_with_records_between_them_are_kept_apart) {
  options.capacity = 5000;
  start();
  push(1);
  for (int at = 1; at <= 1500; ++at) {
    watermark(at);
    push(2);
  }
  BOOST_TEST(machine->size() == 3001u);
}

// -- the end of input --

BOOST_AUTO_TEST_CASE(at_the_end_of_input_each_record_of_a_key_gets_its_one_attempt) {
  retry(3);
  options.on_failure = failure_action::dead_letter;
  start();
  push({1, 11, 21});
  fail(1, "io");
  end();
  BOOST_TEST(transcript() == "call 1\ncall 1 attempt 2\n");
  fail(1, "io");
  fail(11, "io");
  complete(21);
  BOOST_TEST(transcript()
             == "dead 1 io after 2\ncall 11\ndead 11 io after 1\ncall 21\nout 210\nend\n");
}

// -- restore --

BOOST_AUTO_TEST_CASE(a_snapshot_of_another_mode_is_taken_up_key_by_key) {
  // GIVEN two records of one key that both back off, as an unordered operator lets them
  retry(3);
  machine_fixture::start(output_mode::unordered);
  push({1, 11, 2});
  fail(1, "io");
  fail(11, "io");
  // WHEN a key-ordered operator goes on, the back-offs pass, and one of 11 passes while it waits
  crash_and_restore(output_mode::key_ordered);
  BOOST_TEST(transcript() == "call 2\n");
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 11 attempt 2\n");
}

BOOST_AUTO_TEST_SUITE_END()
