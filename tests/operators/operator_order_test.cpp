// SPDX-License-Identifier: Apache-2.0

/// In which order elements leave an async wait operator.

#include "../support/machine_fixture.hpp"

namespace {

using namespace weir;
using namespace weir::testing;

} // namespace

BOOST_FIXTURE_TEST_SUITE(order, machine_fixture)

BOOST_AUTO_TEST_CASE(ordered_results_leave_in_the_order_of_their_records) {
  start(output_mode::ordered);
  push({1, 2, 3});
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 3\n");
  complete(3);
  complete(1);
  BOOST_TEST(transcript() == "out 10\n");
  complete(2);
  BOOST_TEST(transcript() == "out 20\nout 30\n");
}

BOOST_AUTO_TEST_CASE(unordered_results_leave_as_their_calls_finish) {
  start(output_mode::unordered);
  push({1, 2, 3});
  transcript();
  complete(3);
  complete(1);
  complete(2);
  BOOST_TEST(transcript() == "out 30\nout 10\nout 20\n");
}

BOOST_AUTO_TEST_CASE(no_unordered_record_passes_a_border_in_either_direction) {
  start(output_mode::unordered);
  push({1, 2});
  watermark(5);
  push({3, 4});
  transcript();
  complete(4);
  complete(2);
  BOOST_TEST(transcript() == "out 20\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 5\nout 40\n");
  complete(3);
  BOOST_TEST(transcript() == "out 30\n");
}

BOOST_AUTO_TEST_CASE(records_between_two_borders_leave_as_they_finished_while_they_waited) {
  start(output_mode::unordered);
  push(1);
  watermark(1);
  push({2, 3, 4});
  idle();
  push(5);
  transcript();
  for (const int record : {5, 4, 2, 3})
    complete(record);
  BOOST_TEST(transcript() == "");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 1\nout 40\nout 20\nout 30\nidle\nout 50\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, a_border_with_nothing_before_it_leaves_at_once,
                       every_mode) {
  start(sample);
  watermark(7);
  idle();
  active();
  BOOST_TEST(transcript() == "watermark 7\nidle\nactive\n");
  BOOST_TEST(machine->size() == 0u);
}

BOOST_DATA_TEST_CASE_F(machine_fixture, a_status_waits_for_what_is_before_it, every_mode) {
  start(sample);
  push(1);
  idle();
  active();
  BOOST_TEST(transcript() == "call 1\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nidle\nactive\n");
}

BOOST_DATA_TEST_CASE_F(machine_fixture, several_results_stay_together_and_share_a_timestamp,
                       every_mode) {
  start(sample);
  push(item{1, 8}, event_time{77});
  push(2);
  transcript();
  complete(1, {3, 1, 2});
  complete(2, {4, 5});
  BOOST_TEST(transcript() == "out 3 @77\nout 1 @77\nout 2 @77\nout 4\nout 5\n");
}

BOOST_AUTO_TEST_CASE(a_record_without_results_holds_its_turn_and_leaves_nothing) {
  start(output_mode::ordered);
  push({1, 2, 3});
  transcript();
  complete(3);
  complete(2, {});
  BOOST_TEST(transcript() == "");
  BOOST_TEST(machine->size() == 3u);
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 30\n");
  BOOST_TEST(machine->size() == 0u);
}

BOOST_AUTO_TEST_CASE(dead_letters_and_dropped_records_keep_their_place) {
  options.on_failure = failure_action::dead_letter;
  options.failure_rules = {{"gone", failure_action::drop}};
  start(output_mode::ordered);
  push({1, 2, 3, 4});
  watermark(9);
  transcript();
  complete(4);
  fail(3, "io");
  fail(2, "gone");
  BOOST_TEST(transcript() == "");
  complete(1);
  BOOST_TEST(transcript() == "out 10\ndead 3 io after 1\nout 40\nwatermark 9\n");
  BOOST_TEST(counts().dropped == 1u);
  BOOST_TEST(counts().dead_letters == 1u);
}

BOOST_AUTO_TEST_CASE(a_call_that_finished_before_another_was_made_leaves_before_it) {
  // GIVEN a call that has been completed from outside, which the machine has not seen yet
  answer_at_once(2, [](result_future<item> done) { done.complete(item{20, 8}); });
  start(output_mode::unordered);
  push(1);
  take_future(1).complete(item{10, 8});
  // WHEN a record comes whose call completes at once
  push(2);
  // THEN it leaves behind the first
  BOOST_TEST(transcript() == "call 1\nout 10\ncall 2\nout 20\n");
}

BOOST_AUTO_TEST_SUITE_END()
