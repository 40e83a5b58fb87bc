// SPDX-License-Identifier: Apache-2.0

// When the stream of a source becomes idle and active again, and what that does where several come
// together.

#include "../support/event_time_fixture.hpp"

using namespace std::chrono_literals;
using weir::event_time;
using weir::output_kind;
using weir::testing::event_time_fixture;

BOOST_FIXTURE_TEST_SUITE(source_idleness, event_time_fixture)

BOOST_AUTO_TEST_CASE(a_source_that_gives_nothing_becomes_idle) {
  watermarks(weir::monotonous_watermarks(0ms).with_idleness(5s));
  start();
  push(1, 1000);
  advance(5s - 1ns);
  BOOST_TEST(take() == "1@1000 w999 ");
  advance(1ns);
  BOOST_TEST(take() == "idle ");
  advance(1h);
  BOOST_TEST(take() == "");
  BOOST_TEST(world.timers() == 0u);
}

BOOST_AUTO_TEST_CASE(it_is_active_again_before_its_next_record) {
  watermarks(weir::monotonous_watermarks(0ms).with_idleness(5s));
  start();
  push(1, 1000);
  advance(5s);
  take();
  push(2, 1001);
  push(3, 1002);
  BOOST_TEST(take() == "active 2@1001 w1000 3@1002 w1001 ");
  advance(5s);
  BOOST_TEST(take() == "idle ");
}

BOOST_AUTO_TEST_CASE(each_record_begins_its_time_anew) {
  watermarks(weir::monotonous_watermarks(0ms).with_idleness(5s));
  start();
  for (int n = 1; n <= 3; ++n) {
    advance(4s);
    push(n, 1000);
  }
  BOOST_TEST(take() == "1@1000 w999 2@1000 3@1000 ");
  advance(4s);
  BOOST_TEST(take() == "");
  advance(1s);
  BOOST_TEST(take() == "idle ");
}

BOOST_AUTO_TEST_CASE(a_source_that_never_gave_a_record_becomes_idle) {
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  advance(5s);
  BOOST_TEST(take() == "idle ");
  push({1});
  BOOST_TEST(take() == "active 1 ");
}

BOOST_AUTO_TEST_CASE(a_source_without_idle_after_is_never_idle) {
  watermarks(weir::monotonous_watermarks());
  start();
  push(1, 1000);
  take();
  advance(24h);
  BOOST_TEST(take() == "");
}

BOOST_AUTO_TEST_CASE(a_source_that_is_held_back_is_not_idle) {
  // GIVEN an operator that takes two records and waits for their answers
  plan.batches = {1, 1 << 20};
  std::get<weir::operator_plan>(plan.stages[1].what).options.capacity = 2;
  functions["op"].answer = nullptr;
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  push_many(1, 20);
  const auto read = sources["in"].given;
  BOOST_TEST(read < 20u);
  // WHEN the time passes while the source has more and no room
  advance(1min);
  // THEN it is not idle
  BOOST_TEST(take().find("idle") == std::string::npos);
  BOOST_TEST(sources["in"].given == read);
}

BOOST_AUTO_TEST_CASE(the_time_without_room_does_not_count) {
  plan.batches = {1, 1 << 20};
  std::get<weir::operator_plan>(plan.stages[1].what).options.capacity = 1;
  functions["op"].answer = nullptr;
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  // GIVEN a source that has nothing left behind what just fills its credit
  push_many(1, 5);
  BOOST_TEST(sources["in"].items.empty());
  advance(1min);
  BOOST_TEST(take() == "1 2 3 4 5 ");
  // WHEN there is room again
  functions["op"].take(1).complete(1);
  world.run();
  advance(5s - 1ns);
  // THEN its time begins
  BOOST_TEST(take() == "");
  advance(1ns);
  BOOST_TEST(take() == "idle ");
}

BOOST_AUTO_TEST_CASE(a_full_dead_letter_output_holds_back_too) {
  plan.batches = {1, 1 << 20};
  add_dead_letter_sink("in", "dead");
  sinks["dead"].appetite = 0;
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  for (int n = 1; n <= 20; ++n)
    sources["in"].items.push_back({n, event_time{}, true});
  wake("in");
  advance(1min);
  BOOST_TEST(take() == "");
  feed(20, "dead");
  advance(5s);
  BOOST_TEST(take() == "idle ");
}

BOOST_AUTO_TEST_CASE(a_source_is_asked_once_more_before_it_is_idle) {
  // GIVEN a record of which nobody has told the source
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  sources["in"].items.push_back({1});
  // WHEN it would become idle
  advance(5s);
  // THEN it is not
  BOOST_TEST(take() == "1 ");
  BOOST_TEST(sources["in"].polls == 2u);
  advance(5s);
  BOOST_TEST(take() == "idle ");
}

BOOST_AUTO_TEST_CASE(a_source_that_is_asked_once_more_waits_once) {
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  BOOST_TEST(fds.waiting() == 1u);
  for (int n = 0; n < 3; ++n) {
    advance(5s);
    sources["in"].items.push_back({n});
    advance(5s);
  }
  BOOST_TEST(fds.waiting() == 1u);
  push({3});
  BOOST_TEST(fds.waiting() == 1u);
}

BOOST_AUTO_TEST_CASE(a_record_that_comes_late_in_a_busy_job_keeps_it_active) {
  // GIVEN a source whose thread is held for longer than idle_after
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  push({1});
  take();
  // WHEN the wake-up and the news that there is a record come at once
  sources["in"].items.push_back({2});
  world.advance_without_running(1min);
  wake("in");
  // THEN there is no status
  BOOST_TEST(take() == "2 ");
}

BOOST_AUTO_TEST_CASE(a_watermark_that_was_held_back_comes_before_idle) {
  watermarks(weir::monotonous_watermarks(1min).with_idleness(5s));
  start();
  push(1, 1000);
  push(2, 1001);
  advance(5s);
  BOOST_TEST(take() == "1@1000 w999 2@1001 w1000 idle ");
}

BOOST_AUTO_TEST_CASE(an_idle_stream_has_no_watermarks) {
  watermarks(weir::ingestion_time(1s).with_idleness(5s));
  start();
  push({1});
  advance(10s);
  BOOST_TEST(take() == "w4999 1@5000 w5999 w6999 w7999 w8999 w9999 idle ");
  BOOST_TEST(world.timers() == 0u);
  push({2});
  BOOST_TEST(take() == "active 2@15000 w14999 ");
  advance(5s);
  take();
  advance(1s);
  end();
  BOOST_TEST(take() == "end ");
}

BOOST_AUTO_TEST_CASE(a_timer_that_was_armed_before_wakes_no_idle_stream) {
  // GIVEN a source without room, whose next watermark is due in 600 ms
  plan.batches = {1, 1 << 20};
  std::get<weir::operator_plan>(plan.stages[1].what).options.capacity = 1;
  functions["op"].answer = nullptr;
  watermarks(weir::ingestion_time(600ms).with_idleness(100ms));
  start();
  push_many(1, 5);
  take();
  advance(100ms);
  // WHEN it has room, and becomes idle before that
  functions["op"].take(1).complete(1);
  world.run();
  advance(100ms);
  BOOST_TEST(take() == "w5199 idle ");
  BOOST_TEST(world.timers() == 1u);
  // THEN it stays so
  advance(1s);
  BOOST_TEST(take() == "");
}

BOOST_AUTO_TEST_CASE(statuses_go_to_the_dead_letters_too) {
  add_dead_letter_sink("in", "dead");
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  push({1});
  advance(5s);
  push({2});
  BOOST_TEST(take() == "1 idle active 2 ");
  BOOST_TEST(take_dead_letters() == "idle active ");
}

BOOST_AUTO_TEST_CASE(a_dead_letter_is_a_sign_of_life) {
  add_dead_letter_sink("in", "dead");
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  start();
  advance(4s);
  push_unreadable(1);
  advance(4s);
  BOOST_TEST(take() == "");
  advance(1s);
  push_unreadable(2);
  BOOST_TEST(take() == "idle active ");
  BOOST_TEST(take_dead_letters() == "1 idle active 2 ");
}

BOOST_AUTO_TEST_CASE(an_idle_stream_ends) {
  watermarks(weir::monotonous_watermarks().with_idleness(5s));
  start();
  push(1, 1000);
  advance(5s);
  end();
  BOOST_TEST(take() == "1@1000 w999 idle end ");
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_CASE(an_idle_source_is_drained) {
  watermarks(weir::monotonous_watermarks().with_idleness(5s));
  start();
  advance(5s);
  drain(1s);
  BOOST_TEST(take() == "idle end ");
  BOOST_TEST((result->end == weir::job_end::drained));
}

BOOST_AUTO_TEST_CASE(a_source_becomes_idle_while_it_looks_in_vain) {
  // GIVEN a source that goes on and on over what it leaves out, and never waits
  watermarks(weir::watermark_strategy{}.with_idleness(5s));
  sources["in"].span = 1;
  for (int n = 0; n < 1000; ++n)
    sources["in"].items.push_back({n, event_time{}, true});
  BOOST_TEST(try_to_start().empty());
  while (sources["in"].polls < 10)
    world.step();
  BOOST_TEST(take() == "");
  // WHEN it has done so for idle_after
  world.advance_without_running(5s);
  for (int n = 0; n < 10; ++n)
    world.step();
  // THEN it is idle
  BOOST_TEST(take() == "idle ");
  world.run();
}

BOOST_AUTO_TEST_SUITE_END()

// -- several streams in one --

namespace {

/// Sources `in` and `other` -> operator op -> sink out.
struct union_fixture : event_time_fixture {
  union_fixture() {
    add_source("other");
    plan.edges.back() = {3, output_kind::results, 1};
    for (const std::size_t each : {0, 3})
      source(each).watermarks = weir::monotonous_watermarks(0ms).with_idleness(5s);
  }

  void push_other(int record, std::int64_t timestamp) {
    sources["other"].items.push_back({record, event_time{timestamp}});
    wake("other");
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(event_time_of_several_sources, union_fixture)

BOOST_AUTO_TEST_CASE(the_watermark_is_the_least) {
  start();
  push(1, 1000);
  push_other(2, 500);
  BOOST_TEST(take_merged() == "1@1000 2@500 w499 ");
  push_other(3, 2000);
  BOOST_TEST(take_merged() == "3@2000 w999 ");
}

BOOST_AUTO_TEST_CASE(an_idle_source_does_not_hold_back_the_watermark) {
  start();
  push(1, 1000);
  advance(4s);
  push(2, 2000);
  BOOST_TEST(take_merged() == "1@1000 2@2000 ");
  // WHEN the other source, which gave nothing, becomes idle
  advance(1s);
  BOOST_TEST(take_merged() == "w1999 ");
  push(3, 3000);
  BOOST_TEST(take_merged() == "3@3000 w2999 ");
}

BOOST_AUTO_TEST_CASE(a_source_that_comes_back_counts_when_it_has_caught_up) {
  start();
  push_other(1, 500);
  advance(4s);
  push(2, 3000);
  advance(1s);
  BOOST_TEST(take_merged() == "1@500 2@3000 w499 w2999 ");
  // GIVEN the other source behind the watermark
  push_other(3, 600);
  push(4, 3500);
  BOOST_TEST(take_merged() == "3@600 4@3500 w3499 ");
  // WHEN it has caught up
  push_other(5, 4000);
  push(6, 9000);
  // THEN it holds back again
  BOOST_TEST(take_merged() == "5@4000 6@9000 w3999 ");
}

BOOST_AUTO_TEST_CASE(the_stream_is_idle_when_both_sources_are) {
  start();
  push(1, 1000);
  push_other(2, 1001);
  advance(5s);
  BOOST_TEST(take_merged() == "1@1000 2@1001 w999 w1000 idle ");
  push_other(3, 1500);
  BOOST_TEST(take_merged() == "active 3@1500 w1499 ");
}

BOOST_AUTO_TEST_CASE(an_idle_source_and_one_that_ended_end) {
  start();
  push_other(1, 1001);
  advance(5s);
  end();
  take_merged();
  sources["other"].ended = true;
  wake("other");
  BOOST_TEST(take_merged() == "end ");
  BOOST_TEST(result->ok());
}

BOOST_AUTO_TEST_SUITE_END()
