// SPDX-License-Identifier: Apache-2.0

/// What an operator's snapshot holds, and what a new operator makes of it. Between the two lie five
/// seconds that count for nobody.

#include "../support/machine_fixture.hpp"

#include <variant>

namespace {

using namespace weir;
using namespace weir::testing;
namespace data = boost::unit_test::data;

using record_state = record_snapshot<item, item>;

const record_state& record_of(const machine_snapshot<item, item>& state, std::size_t i) {
  return std::get<record_state>(state.entries.at(i));
}

struct retrying : machine_fixture {
  retrying() {
    options.timeout = ms{1000};
    options.retry = fixed_delay{3, ms{100}, any_error()};
    options.on_failure = failure_action::dead_letter;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(snapshot, retrying)

BOOST_AUTO_TEST_CASE(a_snapshot_holds_every_entry_in_arrival_order) {
  start(output_mode::unordered);
  push({1, 2});
  watermark(7);
  push(3);
  complete(3);
  advance(ms{30});
  fail(2, "io");
  advance(ms{20});
  const auto state = machine->snapshot(now);

  BOOST_REQUIRE_EQUAL(state.entries.size(), 4u);
  BOOST_TEST(!state.input_ended);
  const auto& running = record_of(state, 0);
  BOOST_TEST(running.value.value == 1);
  BOOST_TEST(running.running);
  BOOST_TEST(running.attempt == 1u);
  BOOST_TEST((running.timeout_left == ms{950}));
  BOOST_TEST(!running.backoff_left.has_value());
  const auto& backing_off = record_of(state, 1);
  BOOST_TEST(backing_off.value.value == 2);
  BOOST_TEST((backing_off.backoff_left == ms{80}));
  BOOST_TEST((backing_off.durations == std::vector<duration>{ms{30}}));
  BOOST_TEST((std::get<control>(state.entries[2]) == control::watermark(event_time{7})));
  const auto& finished = record_of(state, 3);
  BOOST_REQUIRE(finished.finished.has_value());
  BOOST_TEST(std::get<0>(*finished.finished).front().value == 30);
}

BOOST_AUTO_TEST_CASE(a_slot_that_is_used_again_leaves_no_trace_in_a_snapshot) {
  start(output_mode::unordered);
  push(1);
  advance(ms{30});
  complete(1);
  push(2);
  BOOST_TEST(record_of(machine->snapshot(now), 0).durations.empty());
}

BOOST_AUTO_TEST_CASE(the_order_does_not_hang_on_the_slots_that_records_happen_to_have) {
  start(output_mode::unordered);
  push({1, 2, 3});
  complete(1);
  complete(2);
  push({4, 5});
  const auto state = machine->snapshot(now);
  BOOST_REQUIRE_EQUAL(state.entries.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i)
    BOOST_TEST(record_of(state, i).value.value == static_cast<int>(i) + 3);
}

BOOST_AUTO_TEST_CASE(a_snapshot_changes_nothing) {
  start(output_mode::ordered);
  push({1, 2});
  complete(2);
  transcript();
  machine->snapshot(now);
  complete(1);
  BOOST_TEST(transcript() == "out 10\nout 20\n");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(restore, retrying)

BOOST_DATA_TEST_CASE_F(retrying, a_finished_record_leaves_without_another_call,
                       data::make(every_mode), mode) {
  start(mode);
  room(0);
  push(2);
  complete(2, {20, 21});
  crash_and_restore(mode);
  more_room(100);
  BOOST_TEST(transcript() == "out 20\nout 21\n");
  BOOST_TEST(counts().calls == 0u);
}

BOOST_AUTO_TEST_CASE(an_attempt_that_is_not_made_again_in_time_still_counts) {
  options.max_concurrent_calls = 1;
  start(output_mode::unordered);
  push({1, 2});
  advance(ms{10});
  crash_and_restore(output_mode::unordered);
  transcript();
  advance(ms{500});
  BOOST_TEST(record_of(machine->snapshot(now), 0).attempt == 1u);
  crash_and_restore(output_mode::unordered);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\ncall 2\ndead 2 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(a_running_attempt_is_made_again_under_its_number) {
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{100});
  crash_and_restore(output_mode::ordered);
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
  fail(1, "io");
  advance(ms{100});
  BOOST_TEST(transcript() == "call 1 attempt 3\n");
}

BOOST_AUTO_TEST_CASE(a_back_off_goes_on_with_the_time_that_it_had_left) {
  start(output_mode::ordered);
  push(1);
  fail(1, "io");
  advance(ms{60});
  crash_and_restore(output_mode::ordered);
  advance(ms{39});
  BOOST_TEST(transcript() == "");
  advance(ms{1});
  BOOST_TEST(transcript() == "call 1 attempt 2\n");
}

BOOST_AUTO_TEST_CASE(a_timeout_has_the_time_that_it_had_left) {
  start(output_mode::ordered);
  push(1);
  advance(ms{900});
  crash_and_restore(output_mode::ordered);
  advance(ms{99});
  BOOST_TEST(transcript() == "call 1\n");
  advance(ms{1});
  BOOST_TEST(transcript() == "dead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(a_shorter_new_timeout_bounds_what_was_left) {
  start(output_mode::ordered);
  push(1);
  options.timeout = ms{200};
  crash_and_restore(output_mode::ordered);
  advance(ms{200});
  BOOST_TEST(transcript() == "call 1\ndead 1 timeout_error after 1\n");
}

BOOST_AUTO_TEST_CASE(the_hook_is_not_called_twice) {
  options.retry = {};
  hook([](const item&, result_future<item>) {});
  start(output_mode::ordered);
  push(1);
  advance(ms{1000});
  BOOST_TEST(transcript() == "call 1\nhook 1\n");
  crash_and_restore(output_mode::ordered);
  advance(ms{5000});
  BOOST_TEST(transcript() == "call 1\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\n");
}

BOOST_AUTO_TEST_CASE(borders_keep_their_places) {
  start(output_mode::unordered);
  push(1);
  watermark(7);
  push(2);
  idle();
  crash_and_restore(output_mode::unordered);
  complete(2);
  BOOST_TEST(transcript() == "call 1\ncall 2\n");
  complete(1);
  BOOST_TEST(transcript() == "out 10\nwatermark 7\nout 20\nidle\n");
}

BOOST_AUTO_TEST_CASE(what_a_failure_met_is_kept) {
  start(output_mode::ordered);
  push({1, 2});
  options.on_failure = failure_action::dead_letter;
  fail(2, "io");
  for (int attempt = 2; attempt <= 4; ++attempt) {
    advance(ms{100});
    fail(2, "io");
  }
  options.on_failure = failure_action::drop;
  crash_and_restore(output_mode::ordered);
  complete(1);
  BOOST_TEST(transcript() == "call 1\nout 10\ndead 2 io after 4\n");
  BOOST_TEST(latest_dead_letter->durations.size() == 4u);
}

BOOST_AUTO_TEST_CASE(the_end_of_input_is_remembered) {
  start(output_mode::ordered);
  push(1);
  end();
  crash_and_restore(output_mode::ordered);
  fail(1, "io");
  BOOST_TEST(transcript() == "call 1\ndead 1 io after 1\nend\n");
}

BOOST_AUTO_TEST_CASE(restored_entries_are_held_beyond_the_capacity) {
  start(output_mode::ordered);
  push({1, 2, 3});
  options.capacity = 1;
  options.max_concurrent_calls = 1;
  crash_and_restore(output_mode::ordered);
  BOOST_TEST(machine->size() == 3u);
  BOOST_TEST(transcript() == "call 1\n");
  push(4);
  BOOST_TEST(waiting_input() == 1u);
  complete(1);
  complete(2);
  BOOST_TEST(waiting_input() == 1u);
  complete(3);
  BOOST_TEST(transcript() == "out 10\ncall 2\nout 20\ncall 3\nout 30\ncall 4\n");
}

BOOST_DATA_TEST_CASE_F(retrying, call_all_calls_every_record_as_if_it_had_just_come_in,
                       data::make(every_mode), mode) {
  options.on_failure = failure_action::drop;
  start(mode);
  room(0);
  push({1, 2, 3});
  complete(1);
  fail(2, "io");
  advance(ms{50});
  crash_and_restore(mode, restore_mode::call_all);
  BOOST_TEST(transcript() == "call 1\ncall 2\ncall 3\n");
  const auto state = machine->snapshot(now);
  BOOST_TEST((record_of(state, 1).timeout_left == ms{1000}));
  BOOST_TEST(record_of(state, 1).attempt == 1u);
  BOOST_TEST(record_of(state, 1).durations.empty());
}

BOOST_AUTO_TEST_CASE(a_finished_record_leaves_before_the_others_are_called) {
  start(output_mode::ordered);
  room(0);
  push({1, 2});
  complete(1);
  const auto state = machine->snapshot(now);
  machine.reset();
  held.clear();
  transcript();
  start(output_mode::ordered);
  machine->restore(state, restore_mode::resume, now);
  BOOST_TEST(transcript() == "");
  more_room(1);
  BOOST_TEST(transcript() == "out 10\ncall 2\n");
}

BOOST_AUTO_TEST_CASE(the_entries_of_two_instances_are_taken_up_in_little_time) {
  // GIVEN what two old instances held, one behind the other, so that deadlines do not ascend
  constexpr int half = 50'000;
  options.timeout = ms{100'000};
  options.capacity = 2 * half;
  machine_snapshot<item, item> both;
  for (int instance = 0; instance < 2; ++instance)
    for (int i = 0; i < half; ++i) {
      record_snapshot<item, item> of{item{i, 8}, event_time::none(), origin{}, 0, 1};
      of.timeout_left = ms{1 + i};
      both.entries.push_back(of);
    }
  start(output_mode::unordered);
  // WHEN they are taken up; looking for the place of each took ten seconds
  const auto began = std::chrono::steady_clock::now();
  machine->restore(both, restore_mode::resume, now);
  BOOST_TEST((std::chrono::steady_clock::now() - began < std::chrono::seconds{5}));
  BOOST_TEST((machine->next_due() == now + ms{1}));
}

BOOST_AUTO_TEST_SUITE_END()
