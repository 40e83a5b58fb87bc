// SPDX-License-Identifier: Apache-2.0

// Barriers in what a program pushes: what stands in front of them, and where a run goes on.

#include "push_feed_fixture.hpp"

#include <optional>

BOOST_FIXTURE_TEST_SUITE(push_feed_checkpoints, ticket_fixture)

BOOST_AUTO_TEST_CASE(a_barrier_stands_in_all_lanes_behind_what_was_pushed) {
  open(2);
  push(1);
  feed.push_watermark(weir::event_time{5});
  push(2);
  begin_checkpoint(7);
  push(3);
  BOOST_TEST(take_to_barrier(0) == "1 w5 b7");
  BOOST_TEST(take(0) == "3");
  BOOST_TEST(take_to_barrier(1) == "w5 2 b7");
  BOOST_TEST(take(1).empty());
}

BOOST_AUTO_TEST_CASE(what_stands_in_front_of_it_is_taken_in_one_go_and_not_else) {
  open(1, {.records = 1});
  push(1);
  push(2);
  begin_checkpoint(1);
  begin_checkpoint(2);
  // The message that tells of the barrier is under way.
  const auto none = feed.take(*all[0], false);
  BOOST_TEST((none.of == nullptr));
  BOOST_TEST(none.more);
  push(3);
  BOOST_TEST(take_to_barrier() == "1 | 2 b1 | b2");
  BOOST_TEST(take_to_barrier().empty());
  BOOST_TEST(take() == "3");
}

BOOST_AUTO_TEST_CASE(a_stage_is_told_of_it_also_where_it_knows_that_there_is_something) {
  open();
  push(1);
  BOOST_TEST(wakes[0] == 1);
  begin_checkpoint(1);
  BOOST_TEST(wakes[0] == 2);
  push(2);
  BOOST_TEST(wakes[0] == 2);
}

BOOST_AUTO_TEST_CASE(watermarks_do_not_become_one_over_a_barrier) {
  open();
  feed.push_watermark(weir::event_time{5});
  begin_checkpoint(1);
  feed.push_watermark(weir::event_time{6});
  begin_checkpoint(2);
  BOOST_TEST(take_to_barrier() == "w5 b1 | w6 b2");
}

BOOST_AUTO_TEST_CASE(it_stands_behind_the_end_too) {
  open();
  push(1);
  feed.finish();
  begin_checkpoint(1);
  BOOST_TEST(take_to_barrier() == "1 . b1");
  begin_checkpoint(2);
  BOOST_TEST(take_to_barrier() == "b2");
}

BOOST_AUTO_TEST_CASE(it_notes_where_the_feed_stands) {
  open(2);
  BOOST_TEST((begin_checkpoint(0) == weir::feed_cut{}));
  push(1);
  push(2, {.position = 70});
  push(3, {.position = 40});
  push(4);
  feed.push_watermark(weir::event_time{5});
  push(5, {.position = UINT64_MAX});
  BOOST_TEST((begin_checkpoint(1) == weir::feed_cut{2, UINT64_MAX, weir::event_time{5}, false}));
  feed.finish();
  BOOST_TEST(begin_checkpoint(2).ended);
}

BOOST_AUTO_TEST_CASE(who_waits_for_room_is_not_in_it) {
  open();
  for (std::uint64_t x = 1; x <= 3; ++x)
    push(static_cast<int>(x), {.position = x});
  in_line waits{4};
  waits.push.where.position = 4;
  feed.stand_in_line(waits.push);
  BOOST_TEST(*begin_checkpoint(1).resume_from == 4u);
  BOOST_TEST(take_to_barrier() == "1 2 3 b1");
  admit(1);
  BOOST_TEST((waits.push.is == waiting_push::state::taken));
  BOOST_TEST(*begin_checkpoint(2).resume_from == 5u);
}

BOOST_AUTO_TEST_CASE(behind_the_last_one_nothing_is_taken) {
  open();
  for (int x = 1; x <= 3; ++x)
    push(x);
  in_line waits{4};
  feed.stand_in_line(waits.push);
  begin_checkpoint(1);
  BOOST_TEST(take_to_barrier() == "1 2 3 b1");
  begin_checkpoint(2, true);
  BOOST_TEST((waits.push.is == waiting_push::state::refused));
  BOOST_TEST(waits.push.why.text() == "service s: its job is being stopped (closed)");
  BOOST_TEST((push(5) == push_result::closed));
  BOOST_TEST(!feed.finish());
  BOOST_TEST(take_to_barrier() == "b2.");
}

BOOST_AUTO_TEST_CASE(a_run_that_has_ended_makes_none) {
  open();
  const auto before = all[0];
  feed.end_run(cancelled);
  BOOST_TEST(!feed.begin_checkpoint(*before, 1, false).has_value());
  open();
  BOOST_TEST(!feed.begin_checkpoint(*before, 1, false).has_value());
  BOOST_TEST(take_to_barrier().empty());
}

BOOST_AUTO_TEST_CASE(a_run_goes_on_where_another_stood) {
  std::optional<std::uint64_t> told;
  open(1, {},
       {.first_checkpoint = 4,
        .from = weir::feed_cut{7, 100, weir::event_time{50}, false},
        .on_start = [&](std::optional<std::uint64_t> from) {
          told = from;
          BOOST_TEST((push(1) == push_result::closed));
          BOOST_TEST(feed.why_closed().message() == "its job is about to start");
        }});
  BOOST_TEST(told.value() == 100u);
  BOOST_TEST(feed.where().run == run);
  BOOST_TEST(feed.where().resume_from.value() == 100u);
  feed.push_watermark(weir::event_time{50});
  push(1);
  feed.push_watermark(weir::event_time{51});
  push(2, {.position = 90});
  // The process that is gone may have given more numbers than its checkpoint knows of.
  constexpr auto far_behind = std::uint64_t{1} << 32;
  BOOST_TEST((begin_checkpoint(4)
              == weir::feed_cut{far_behind + 1, 100, weir::event_time{51}, false}));
  const auto taken = feed.take_to_barrier(*all[0]);
  weir::origin_runs::cursor at;
  BOOST_TEST(at.at(taken.at(0)->origins(), 0).position == far_behind);
  BOOST_TEST(text_of(*taken.at(0)) == "1 w51 2 b4");
  // What it says of its begin does not change.
  BOOST_TEST(feed.where().resume_from.value() == 100u);
}

BOOST_AUTO_TEST_CASE(no_number_is_given_twice_where_a_process_knows_of_none_that_were) {
  // GIVEN a process that goes on from a checkpoint in front of all records, behind which another gave numbers
  open(1, {}, {.from = weir::feed_cut{}});
  BOOST_TEST(begin_checkpoint(1).next_number == std::uint64_t{1} << 32);
  // But where it goes on from there once more it knows what it gave.
  push(1);
  feed.end_run(cancelled);
  open(1, {}, {.from = weir::feed_cut{}});
  BOOST_TEST(begin_checkpoint(1).next_number == (std::uint64_t{1} << 32) + 1);
}

BOOST_AUTO_TEST_CASE(a_run_whose_input_had_ended_ends_it_again) {
  BOOST_TEST(
    feed.open(2, {}, {.first_checkpoint = 4, .from = weir::feed_cut{7, {}, {}, true}}).has_value());
  all = {feed.lane(0), feed.lane(1)};
  BOOST_TEST((push(1) == push_result::closed));
  BOOST_TEST(feed.why_closed().message() == "its input has ended");
  BOOST_TEST(!feed.finish());
  BOOST_TEST(take(0) == ".");
  BOOST_TEST(begin_checkpoint(4).ended);
  BOOST_TEST(take_to_barrier(1) == ". b4");
}

BOOST_AUTO_TEST_CASE(a_drain_ends_the_input_of_this_run_alone) {
  open();
  BOOST_TEST(feed.drain());
  BOOST_TEST(!feed.finish());
  BOOST_TEST(!begin_checkpoint(1).ended);
  BOOST_TEST(take_to_barrier() == ". b1");
}

BOOST_AUTO_TEST_CASE(a_run_whose_start_throws_has_not_begun) {
  BOOST_CHECK_THROW(static_cast<void>(feed.open(1, {}, {.on_start = [](std::optional<std::uint64_t>) {
                                          throw std::runtime_error("no");
                                        }})),
                    std::runtime_error);
  BOOST_TEST((push(1) == push_result::closed));
  open();
  BOOST_TEST((push(1) == push_result::taken));
}

BOOST_AUTO_TEST_CASE(who_pushes_for_one_run_does_not_push_for_another) {
  open();
  const auto first = feed.where().run;
  item record{1};
  weir::push_request what{&record, {}, 0, nullptr, first};
  BOOST_TEST((feed.try_push(what) == push_result::taken));
  feed.end_run(cancelled);
  open();
  BOOST_TEST((feed.try_push(what) == push_result::closed));
  BOOST_TEST(feed.push(what, 0ns).why().text()
             == "service s: its job has started again since this pusher has asked from where to resume; ask "
                "again (closed)");
  waiting_push waits{what};
  BOOST_TEST(!feed.stand_in_line(waits));
  BOOST_TEST((waits.is == waiting_push::state::refused));
  BOOST_TEST(!feed.push_watermark(weir::event_time{1}, first));
  BOOST_TEST(!feed.finish(first));
  what.run = feed.where().run;
  BOOST_TEST((feed.try_push(what) == push_result::taken));
  BOOST_TEST(take() == "1");
}

BOOST_AUTO_TEST_CASE(records_that_were_given_back_take_room_and_come_first) {
  feed_fixture of{{.records = 3, .bytes = 100}};
  BOOST_TEST(of.feed.open(1, {}).has_value());
  of.all = {of.feed.lane(0)};
  of.admitted = {0};
  // GIVEN a record that was pushed before the stage had restored what it holds
  auto made = std::make_shared<weir::ticket_state>();
  item record{1};
  weir::push_request what{&record, {}, 0, made};
  BOOST_TEST((of.feed.try_push(what) == push_result::taken));
  of.feed.restored(*of.all[0], 2, 90);
  of.feed.listen(*of.all[0], [] {});
  BOOST_TEST((of.push(2) == push_result::full));
  BOOST_TEST(of.feed.waiting(of.feed.where().run) == 3u);
  // WHEN those that were given back are taken in, THEN their bytes are free
  auto& desk = of.all[0]->desk;
  BOOST_TEST(of.take() == "1");
  desk.admitted(0);
  of.admit(1);
  BOOST_TEST(of.all[0]->bytes == 90u);
  desk.admitted(1);
  of.admit(1);
  BOOST_TEST(of.all[0]->bytes == 0u);
  // AND the next is the one with the ticket
  desk.admitted(2);
  desk.left(1, weir::record_fate::results, 1, nullptr);
  desk.settle();
  BOOST_TEST(how(*made) == "not settled");
  desk.left(2, weir::record_fate::results, 1, nullptr);
  desk.settle();
  BOOST_TEST(how(*made) == "delivered 1");
}

BOOST_AUTO_TEST_CASE(a_ticket_is_durable_with_the_first_checkpoint_behind_it) {
  open(1, {}, {.first_checkpoint = 4});
  const weir::ticket before{push_tracked(1)};
  begin_checkpoint(4);
  const weir::ticket behind{push_tracked(2)};
  // One that fails makes nothing durable; a later one stands for it.
  begin_checkpoint(5);
  all[0]->durability->reach(4);
  BOOST_TEST(before.is_durable());
  BOOST_TEST(!behind.is_durable());
  begin_checkpoint(6);
  const weir::ticket last{push_tracked(3)};
  all[0]->durability->reach(6);
  BOOST_TEST(behind.wait_durable().has_value());
  BOOST_TEST(!before.settled());
  feed.end_run(cancelled);
  BOOST_TEST((last.wait_durable().why() == cancelled));
  BOOST_TEST(before.is_durable());
}

BOOST_AUTO_TEST_CASE(without_checkpoints_no_ticket_is_durable) {
  open();
  const weir::ticket pushed{push_tracked(1)};
  BOOST_TEST(pushed.wait_durable_for(1h).why().is(weir::error_kind::argument));
  BOOST_TEST(!pushed.is_durable());
  std::string kind;
  pushed.on_durable([&](const weir::expected<void>& how) { kind = how.why().kind(); });
  BOOST_TEST(kind == weir::error_kind::argument);
}

BOOST_AUTO_TEST_SUITE_END()
