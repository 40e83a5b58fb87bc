// SPDX-License-Identifier: Apache-2.0

/// What an async wait operator holds at most, in entries, calls and bytes, and what it does when
/// there is no room downstream.

#include "../support/machine_fixture.hpp"

namespace {

using namespace weir;
using namespace weir::testing;

} // namespace

// -- capacity --

BOOST_FIXTURE_TEST_SUITE(capacity, machine_fixture)

BOOST_AUTO_TEST_CASE(finished_records_that_wait_for_their_turn_count) {
  options.capacity = 2;
  start(output_mode::ordered);
  push({1, 2, 3});
  complete(2);
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  BOOST_TEST(waiting_input() == 1u);
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 20\ncall 3\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, borders_count_and_wait_for_room, both_modes) {
  options.capacity = 2;
  start(sample);
  push(1);
  watermark(1);
  BOOST_TEST(machine->full());
  watermark(2);
  push(2);
  BOOST_TEST(transcript() == "call 1\n");
  BOOST_TEST(waiting_input() == 2u);
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 1\nwatermark 2\ncall 2\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, records_that_back_off_count, every_mode) {
  options.capacity = 1;
  options.timeout = ms{100};
  options.retry = fixed_delay{1, ms{10}, any_error()};
  start(sample);
  push({1, 2});
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\n");
  BOOST_TEST(machine->full());
}

BOOST_DATA_TEST_CASE_F(machine_fixture, fewer_calls_than_capacity_leave_a_reorder_buffer,
                       every_mode) {
  options.capacity = 4;
  options.max_concurrent_calls = 2;
  start(sample);
  push({1, 2, 3, 4, 5});
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  BOOST_TEST(machine->running() == 2u);
  BOOST_TEST(waiting_input() == 1u);
  complete(2);
  BOOST_TEST(transcript() == (sample == output_mode::ordered ? "call 3\n" : "out 20\ncall 3\n"));
}

BOOST_AUTO_TEST_CASE(a_free_call_goes_to_the_record_that_arrived_first_retries_included) {
  options.max_concurrent_calls = 1;
  options.timeout = ms{1000};
  options.retry = fixed_delay{3, ms{10}, any_error()};
  start(output_mode::unordered);
  push({1, 2, 3});
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  advance(ms{10});
  BOOST_TEST(transcript() == "");
  complete(2);
  BOOST_TEST(transcript() == "out 20\ncall 1 attempt 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 3\n");
}

BOOST_AUTO_TEST_CASE(a_record_that_backs_off_gives_its_call_to_another) {
  options.capacity = 2;
  options.max_concurrent_calls = 1;
  options.timeout = ms{1000};
  options.retry = fixed_delay{3, ms{10}, any_error()};
  start(output_mode::ordered);
  push({1, 2});
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
}

BOOST_AUTO_TEST_CASE(bytes_of_values_and_results_stop_the_intake) {
  options.capacity_bytes = 100;
  start(output_mode::ordered);
  push(item{1, 40});
  push(item{2, 40});
  BOOST_TEST(!machine->full());
  complete(2);
  push(item{3, 12});
  push(item{4, 1});
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 3\n");
  BOOST_TEST(waiting_input() == 1u);
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 20\ncall 4\n");
}

BOOST_AUTO_TEST_CASE(a_record_above_the_bound_on_bytes_passes_alone) {
  options.capacity_bytes = 100;
  start(output_mode::unordered);
  push(item{1, 500});
  push(item{2, 500});
  BOOST_TEST(transcript() == "call 1\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 2\n");
}

BOOST_AUTO_TEST_CASE(results_above_the_bound_on_bytes_stop_new_calls) {
  options.capacity_bytes = 100;
  options.max_concurrent_calls = 2;
  start(output_mode::ordered);
  push({1, 2, 3});
  answer_at_once(3, [](result_future<item> done) { done.complete(item{30, 8}); });
  take_future(2).complete(item{20, 90});
  settle();
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 20\ncall 3\nout 30\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, results_that_wait_for_room_stop_new_calls, every_mode) {
  options.capacity_bytes = 100;
  options.max_concurrent_calls = 1;
  room(0);
  start(sample);
  push({1, 2, 3});
  take_future(1).complete(item{10, 90});
  settle();
  BOOST_TEST(transcript() == "call 1\n");
  more_room(1);
  BOOST_TEST(transcript() == "out 10\ncall 2\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, above_the_bound_only_the_call_that_all_waits_for_is_made,
                       every_mode) {
  // GIVEN a head in back-off behind which finished records hold too much, and one that waits
  options.capacity_bytes = 100;
  options.max_concurrent_calls = 1;
  options.timeout = ms{1000};
  options.retry = fixed_delay{1, ms{10}, any_error()};
  start(sample);
  push({1, 2, 3});
  watermark(1);
  fail(1, "io");
  room(0);
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  take_future(2).complete(item{20, 200});
  settle();
  BOOST_TEST(transcript() == "");
  // THEN the head alone is called when its back-off ends
  more_room(1);
  BOOST_TEST(transcript() == (sample == output_mode::ordered ? "" : "out 20\ncall 3\n"));
  if (sample != output_mode::ordered)
    complete(3);
  transcript();
  advance(ms{10});
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
}

BOOST_AUTO_TEST_SUITE_END()

// -- room downstream --

BOOST_FIXTURE_TEST_SUITE(output_room, machine_fixture)

BOOST_DATA_TEST_CASE_F(machine_fixture, finished_records_wait_for_room_and_fill_the_queue,
                       every_mode) {
  options.capacity = 2;
  room(1);
  start(sample);
  push({1, 2, 3, 4});
  transcript();
  complete(1);
  BOOST_TEST(transcript() == "out 10\ncall 3\n");
  complete(2);
  complete(3);
  BOOST_TEST(transcript() == "");
  BOOST_TEST(machine->full());
  more_room(1);
  BOOST_TEST(transcript() == "out 20\ncall 4\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, the_results_of_one_record_may_overdraw_the_room_once,
                       every_mode) {
  room(1);
  start(sample);
  push({1, 2});
  transcript();
  complete(1, {1, 2, 3});
  complete(2);
  BOOST_TEST(transcript() == "out 1\nout 2\nout 3\n");
  more_room(2);
  BOOST_TEST(transcript() == "");
  more_room(1);
  BOOST_TEST(transcript() == "out 20\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, what_emits_no_record_needs_no_room, every_mode) {
  options.on_failure = failure_action::drop;
  room(0);
  start(sample);
  answer_at_once(2, [](result_future<item> done) { done.complete_empty(); });
  push({1, 2, 3, 4});
  watermark(5);
  end();
  transcript();
  complete(1, {});
  fail(3, "io");
  complete(4, {});
  BOOST_TEST(transcript() == "watermark 5\nend\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, a_border_stays_behind_a_record_that_waits_for_room,
                       every_mode) {
  room(0);
  start(sample);
  push(1);
  watermark(5);
  complete(1);
  BOOST_TEST(transcript() == "call 1\n");
  more_room(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 5\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, a_call_that_completes_at_once_waits_for_room_too,
                       every_mode) {
  room(0);
  start(sample);
  answer_at_once(1, [](result_future<item> done) { done.complete(item{10, 8}); });
  push(1);
  BOOST_TEST(transcript() == "call 1\n");
  BOOST_TEST(machine->size() == 1u);
  more_room(1);
  BOOST_TEST(transcript() == "out 10\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, dead_letters_have_room_of_their_own, every_mode) {
  options.on_failure = failure_action::dead_letter;
  room(0, 1);
  start(sample);
  push({1, 2, 3});
  transcript();
  fail(1, "io");
  fail(2, "io");
  BOOST_TEST(transcript() == "dead 1 io after 1\n");
  more_room(5, 0);
  BOOST_TEST(transcript() == "");
  more_room(0, 1);
  BOOST_TEST(transcript() == "dead 2 io after 1\n");
}

BOOST_AUTO_TEST_SUITE_END()
