// SPDX-License-Identifier: Apache-2.0

// The way from a program's threads to an operator: bounds, lines, wake-ups, tickets and ends. The tests need no
// threads: they play the pushers and the stage.

#include "push_feed_fixture.hpp"

#include "weir/stage_thread.hpp"

#include <coroutine>
#include <functional>
#include <stdexcept>

namespace {

struct keyed_fixture : feed_fixture {
  keyed_fixture() : feed_fixture({.records = 1}, true) { open(2); }
};

/// A coroutine that does something when it goes on.
class going_on {
public:
  struct promise_type {
    going_on get_return_object() {
      return going_on{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { throw; }
  };

  going_on(going_on&& other) noexcept : of_(std::exchange(other.of_, nullptr)) {}
  going_on& operator=(going_on&&) = delete;
  ~going_on() {
    if (of_)
      of_.destroy();
  }

  std::coroutine_handle<> handle() const noexcept { return of_; }

private:
  explicit going_on(std::coroutine_handle<promise_type> of) : of_(of) {}
  std::coroutine_handle<promise_type> of_;
};

going_on doing(std::function<void()> what) {
  what();
  co_return;
}

} // namespace

BOOST_AUTO_TEST_SUITE(push_feeds)

BOOST_FIXTURE_TEST_SUITE(by_one_thread, feed_fixture)

BOOST_AUTO_TEST_CASE(nothing_is_taken_before_a_run) {
  BOOST_TEST((push(1) == push_result::closed));
  item record{2};
  const auto pushed = feed.push({&record, {}, 0, nullptr}, weir::duration::max());
  BOOST_TEST(pushed.why().text()
             == "service s: it runs in no job; start the environment that it was made in (closed)");
  BOOST_TEST(!feed.push_watermark(weir::event_time{1}));
  BOOST_TEST(!feed.finish());
}

BOOST_AUTO_TEST_CASE(records_are_taken_until_it_is_full) {
  open();
  for (int x = 1; x <= 3; ++x)
    BOOST_TEST((push(x) == push_result::taken));
  BOOST_TEST((push(4) == push_result::full));
  // What the stage has taken out counts until the operator has taken it in.
  BOOST_TEST(take() == "1 2 3");
  BOOST_TEST((push(4) == push_result::full));
  admit(1);
  BOOST_TEST((push(4) == push_result::taken));
  BOOST_TEST((push(5) == push_result::full));
  BOOST_TEST(feed.waiting(run) == 3u);
  BOOST_TEST(feed.pushed(run) == 4u);
}

BOOST_AUTO_TEST_CASE(a_record_that_is_not_taken_is_not_moved_from) {
  weir::push_feed<std::string> texts{"service s", {.records = 1}, false};
  std::string text = "a text that is long enough to be moved";
  weir::push_request what{&text, {}, 0, nullptr};
  BOOST_TEST((texts.try_push(what) == push_result::closed));
  BOOST_TEST(texts.open(1, {}).has_value());
  std::string other = "x";
  weir::push_request first{&other, {}, 0, nullptr};
  BOOST_TEST((texts.try_push(first) == push_result::taken));
  BOOST_TEST((texts.try_push(what) == push_result::full));
  BOOST_TEST(!texts.push(what, 1ns).has_value());
  BOOST_TEST(text == "a text that is long enough to be moved");
}

BOOST_AUTO_TEST_CASE(records_without_a_position_are_numbered) {
  open();
  push(1);
  push(2, {.position = 70});
  push(3);
  auto taken = feed.take(*all[0], false).of;
  weir::origin_runs::cursor at;
  BOOST_TEST(at.at(taken->origins(), 0).position == 0u);
  BOOST_TEST(at.at(taken->origins(), 1).position == 70u);
  BOOST_TEST(at.at(taken->origins(), 2).position == 1u);
}

BOOST_AUTO_TEST_CASE(one_message_is_under_way) {
  open();
  push(1);
  push(2);
  BOOST_TEST(wakes[0] == 1);
  // While the stage knows that there is more it is not told.
  take();
  push(3);
  BOOST_TEST(wakes[0] == 2);
  take();
  admit(3);
  // Nor where it comes by itself.
  BOOST_TEST((feed.take(*all[0], true).of == nullptr));
  push(4);
  BOOST_TEST(wakes[0] == 2);
  BOOST_TEST(take() == "4");
}

BOOST_AUTO_TEST_CASE(what_came_before_the_stage_listens_is_found_by_its_first_look) {
  BOOST_TEST(feed.open(1, {}).has_value());
  push(1);
  all = {feed.lane(0)};
  feed.listen(*all[0], [] { BOOST_ERROR("it is to look anyway"); });
  push(2);
  BOOST_TEST(take() == "1 2");
}

BOOST_AUTO_TEST_CASE(one_who_does_not_listen_any_more_is_not_told) {
  open();
  feed.listen(*all[0], nullptr);
  BOOST_TEST((push(1) == push_result::taken));
  BOOST_TEST(wakes[0] == 0);
}

BOOST_AUTO_TEST_CASE(batches_are_bounded_and_keep_their_order) {
  open(1, {.records = 2});
  for (int x = 1; x <= 3; ++x)
    push(x);
  BOOST_TEST(feed.take(*all[0], false).more);
  BOOST_TEST(take() == "3");
}

BOOST_AUTO_TEST_CASE(watermarks_keep_their_place_and_become_one_where_nothing_is_between) {
  open();
  push(1);
  for (const std::int64_t at : {5, 6, 7})
    BOOST_TEST(feed.push_watermark(weir::event_time{at}));
  push(2);
  feed.push_watermark(weir::event_time{8});
  BOOST_TEST(wakes[0] == 1);
  BOOST_TEST(take() == "1 w7 2 w8");
}

BOOST_AUTO_TEST_CASE(a_watermark_that_is_not_greater_says_nothing) {
  open();
  feed.push_watermark(weir::event_time{100});
  BOOST_TEST(feed.push_watermark(weir::event_time{50}));
  push(1);
  BOOST_TEST(feed.push_watermark(weir::event_time{100}));
  BOOST_TEST(feed.push_watermark(weir::event_time::none()));
  BOOST_TEST(take() == "w100 1");
  BOOST_TEST(wakes[0] == 1);
  // Another run begins anew.
  feed.end_run({});
  open();
  feed.push_watermark(weir::event_time{50});
  BOOST_TEST(take() == "w50");
}

BOOST_AUTO_TEST_CASE(the_end_stands_behind_all_and_needs_no_room) {
  open();
  for (int x = 1; x <= 3; ++x)
    push(x);
  BOOST_TEST(feed.finish());
  BOOST_TEST(!feed.finish());
  BOOST_TEST((push(4) == push_result::closed));
  BOOST_TEST(take() == "1 2 3 .");
  BOOST_TEST(feed.why_closed().message() == "its input has ended");
}

BOOST_AUTO_TEST_CASE(room_is_given_in_the_order_of_coming) {
  open();
  for (int x = 1; x <= 3; ++x)
    push(x);
  in_line a{4};
  in_line b{5};
  in_line c{6};
  for (auto* each : {&a, &b, &c})
    BOOST_TEST(feed.stand_in_line(each->push));
  admit(1);
  BOOST_TEST((a.push.is == waiting_push::state::taken));
  BOOST_TEST((b.push.is == waiting_push::state::in_line));
  // Nobody is overtaken by one who does not wait.
  BOOST_TEST((push(7) == push_result::full));
  admit(2);
  BOOST_TEST((c.push.is == waiting_push::state::taken));
  BOOST_TEST(take() == "1 2 3 4 5 6");
}

BOOST_AUTO_TEST_CASE(one_may_leave_the_line_from_any_place_of_it) {
  for (std::size_t gone = 0; gone < 3; ++gone) {
    open();
    for (int x = 1; x <= 3; ++x)
      push(x);
    in_line a{4};
    in_line b{5};
    in_line c{6};
    const std::vector<in_line*> those{&a, &b, &c};
    for (auto* each : those)
      feed.stand_in_line(each->push);
    feed.leave_line(those[gone]->push);
    admit(3);
    BOOST_TEST(take() == (std::vector<std::string>{"1 2 3 5 6", "1 2 3 4 6", "1 2 3 4 5"}[gone]));
    feed.end_run({});
  }
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_goes_on_may_destroy_the_next_which_does_not) {
  for (const bool refused : {false, true}) {
    open();
    for (int x = 1; x <= 3; ++x)
      push(x);
    in_line a{4};
    in_line b{5};
    in_line c{6};
    std::string gone_on;
    // As the destructor of one that waits does.
    const auto of_a = doing([&] {
      gone_on += "a";
      feed.leave_line(b.push);
    });
    const auto of_b = doing([&] { gone_on += "b"; });
    const auto of_c = doing([&] { gone_on += "c"; });
    a.push.coroutine = of_a.handle();
    b.push.coroutine = of_b.handle();
    c.push.coroutine = of_c.handle();
    for (auto* each : {&a, &b, &c})
      feed.stand_in_line(each->push);
    if (refused)
      feed.finish();
    else
      admit(3);
    BOOST_TEST(gone_on == "ac");
    // What was taken stays taken.
    BOOST_TEST(take() == (refused ? "1 2 3 ." : "1 2 3 4 5 6"));
    feed.end_run({});
  }
}

BOOST_AUTO_TEST_CASE(one_that_throws_keeps_none_behind_it_from_going_on) {
  open();
  for (int x = 1; x <= 3; ++x)
    push(x);
  in_line a{4};
  in_line b{5};
  bool gone_on = false;
  const auto of_a = doing([] { throw std::runtime_error("no"); });
  const auto of_b = doing([&] { gone_on = true; });
  a.push.coroutine = of_a.handle();
  b.push.coroutine = of_b.handle();
  feed.stand_in_line(a.push);
  feed.stand_in_line(b.push);
  BOOST_CHECK_THROW(admit(2), std::runtime_error);
  BOOST_TEST(gone_on);
}

BOOST_AUTO_TEST_CASE(where_there_is_room_nobody_stands_in_line) {
  open();
  in_line a{1};
  BOOST_TEST(!feed.stand_in_line(a.push));
  BOOST_TEST((a.push.is == waiting_push::state::taken));
  feed.finish();
  in_line b{2};
  BOOST_TEST(!feed.stand_in_line(b.push));
  BOOST_TEST((b.push.is == waiting_push::state::refused));
  BOOST_TEST(b.push.why.is(weir::error_kind::closed));
  // One that was taken is in no line.
  feed.leave_line(a.push);
}

BOOST_AUTO_TEST_CASE(the_end_refuses_all_in_line) {
  open();
  for (int x = 1; x <= 3; ++x)
    push(x);
  in_line a{4};
  in_line b{5};
  feed.stand_in_line(a.push);
  feed.stand_in_line(b.push);
  feed.finish();
  BOOST_TEST((b.push.is == waiting_push::state::refused));
  BOOST_TEST(a.push.why.text() == "service s: its input has ended (closed)");
  BOOST_TEST(take() == "1 2 3 .");
}

BOOST_AUTO_TEST_CASE(a_job_that_ends_says_why_nothing_is_taken) {
  open();
  in_line a{4};
  for (int x = 1; x <= 3; ++x)
    push(x);
  feed.stand_in_line(a.push);
  feed.refuse({"io", "store", "it said no"});
  BOOST_TEST(a.push.why.text()
             == "service s: its job has ended: store: it said no (io) (closed)");
  BOOST_TEST((push(5) == push_result::closed));
  BOOST_TEST(!feed.finish());
}

BOOST_AUTO_TEST_CASE(a_job_that_is_done_was_not_cancelled) {
  open();
  feed.refuse({"closed", "job j", "it was done"});
  in_line late{1};
  feed.stand_in_line(late.push);
  BOOST_TEST(late.push.why.text() == "service s: its job has ended: job j: it was done (closed)");
}

BOOST_AUTO_TEST_CASE(a_record_that_throws_is_its_pushers_trouble_alone) {
  open();
  BOOST_CHECK_THROW(push(-1), std::runtime_error);
  push(1);
  push(2);
  push(3);
  in_line bad{-4};
  in_line good{5};
  feed.stand_in_line(bad.push);
  feed.stand_in_line(good.push);
  admit(1);
  BOOST_TEST((bad.push.is == waiting_push::state::refused));
  BOOST_CHECK_THROW(std::rethrow_exception(bad.push.thrown), std::runtime_error);
  BOOST_TEST((good.push.is == waiting_push::state::taken));
  BOOST_TEST(take() == "1 2 3 5");
}

BOOST_AUTO_TEST_CASE(lanes_have_their_turns_and_full_ones_are_passed_over) {
  open(2);
  for (int x = 1; x <= 4; ++x)
    push(x);
  admit(2, 1);
  push(5);
  push(6);
  push(7);
  BOOST_TEST((push(8) == push_result::taken));
  BOOST_TEST((push(9) == push_result::full));
  BOOST_TEST(take(0) == "1 3 5");
  BOOST_TEST(take(1) == "2 4 6 7 8");
}

BOOST_AUTO_TEST_CASE(room_in_any_lane_serves_the_line) {
  open(2);
  for (int x = 1; x <= 6; ++x)
    push(x);
  in_line a{7};
  BOOST_TEST(feed.stand_in_line(a.push));
  admit(1, 1);
  BOOST_TEST((a.push.is == waiting_push::state::taken));
  BOOST_TEST(take(1) == "2 4 6 7");
}

BOOST_AUTO_TEST_CASE(it_runs_in_one_job_at_a_time_and_again_after_it) {
  open();
  push(1);
  const auto first = run;
  BOOST_TEST(feed.open(1, {}).why().text()
             == "service s: it runs in a job already; end that, or make another environment (argument)");
  feed.end_run({"cancelled", "job j", "it was cancelled"});
  BOOST_TEST((push(2) == push_result::closed));
  open();
  BOOST_TEST((push(3) == push_result::taken));
  auto taken = feed.take(*all[0], false).of;
  BOOST_TEST(text_of(*taken) == "3");
  weir::origin_runs::cursor at;
  // The next number: the job that runs again may be the same run, and this is another record.
  BOOST_TEST(at.at(taken->origins(), 0).position == 1u);
  BOOST_TEST(feed.pushed(first) == 0u);
  BOOST_TEST(feed.waiting(run) == 1u);
}

BOOST_AUTO_TEST_CASE(a_stage_that_ends_late_does_not_disturb_the_next_run) {
  open();
  const auto before = all[0];
  feed.end_run({});
  open();
  feed.listen(*before, nullptr);
  push(1);
  BOOST_TEST(wakes[0] == 1);
}

BOOST_AUTO_TEST_CASE(a_wait_on_a_stages_thread_is_refused_where_there_is_no_room) {
  open();
  const weir::stage_scope here;
  item record{1};
  for (int x = 1; x <= 3; ++x)
    BOOST_TEST(feed.push({&record, {}, 0, nullptr}, weir::duration::max()).has_value());
  BOOST_TEST(feed.push({&record, {}, 0, nullptr}, weir::duration::max()).why().text()
             == "service s: push would wait on a thread that runs stages, and so stop what it waits for; "
                "use try_push, or await `pushed` in a coroutine (would_block)");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_CASE(bytes_are_bounded_too_and_one_record_above_passes_alone) {
  feed_fixture of{{.records = 100, .bytes = 100}};
  of.open();
  const auto push = [&](std::size_t bytes) {
    item record{1, bytes};
    weir::push_request what{&record, {}, 0, nullptr};
    return of.feed.try_push(what);
  };
  BOOST_TEST((push(1000) == push_result::taken));
  BOOST_TEST((push(1) == push_result::full));
  of.take();
  of.admit(1);
  for (int i = 0; i < 10; ++i)
    BOOST_TEST((push(10) == push_result::taken));
  BOOST_TEST((push(1) == push_result::full));
  // A batch holds a quarter of the bound at most, and its bytes come back when it is used up.
  BOOST_TEST(of.take() == "1 1 1 | 1 1 1 | 1 1 1 | 1");
}

BOOST_AUTO_TEST_CASE(nobody_passes_those_in_line_where_bytes_have_come_back) {
  feed_fixture of{{.records = 100, .bytes = 16}};
  of.open();
  of.push(1);
  of.push(2);
  in_line a{3};
  BOOST_TEST(of.feed.stand_in_line(a.push));
  // WHEN the bytes are back, and who stands in line has not been served yet
  BOOST_TEST(of.take() == "1 | 2");
  // THEN the room is not another's
  BOOST_TEST((of.push(4) == push_result::full));
  in_line b{5};
  BOOST_TEST(of.feed.stand_in_line(b.push));
  of.admit(2);
  BOOST_TEST((b.push.is == waiting_push::state::taken));
  BOOST_TEST(of.take() == "3 | 5");
}

BOOST_FIXTURE_TEST_CASE(records_of_a_key_go_to_one_lane, keyed_fixture) {
  // The groups 0 to 63 are lane 0's.
  BOOST_TEST((push(1, {}, 5) == push_result::taken));
  BOOST_TEST((push(2, {}, 5 + 128) == push_result::full));
  BOOST_TEST((push(3, {}, 64) == push_result::taken));
  in_line a{4, 5};
  in_line b{5, 64};
  feed.stand_in_line(a.push);
  feed.stand_in_line(b.push);
  // WHEN there is room for the second in line, THEN it need not wait for the first
  admit(1, 1);
  BOOST_TEST((a.push.is == waiting_push::state::in_line));
  BOOST_TEST((b.push.is == waiting_push::state::taken));
  feed.leave_line(a.push);
  BOOST_TEST(take(0) == "1");
  BOOST_TEST(take(1) == "3 5");
}

// -- tickets --

BOOST_FIXTURE_TEST_CASE(tickets_find_their_records_among_others, ticket_fixture) {
  open();
  push(0);
  const auto a = push_tracked(1);
  const auto b = push_tracked(2);
  auto& desk = all[0]->desk;
  feed.take(*all[0], false);
  // Slots are given as the machine likes.
  desk.admitted(5);
  desk.admitted(40);
  desk.admitted(0);
  desk.left(5, weir::record_fate::results, 1, nullptr);
  const weir::error gone{"gone", "", ""};
  desk.left(0, weir::record_fate::dropped, 0, &gone);
  BOOST_TEST(how(*b) == "not settled");
  desk.settle();
  BOOST_TEST(how(*b) == "dropped gone");
  BOOST_TEST(how(*a) == "not settled");
  // A slot that is used again is another record's.
  desk.admitted(5);
  desk.left(5, weir::record_fate::results, 7, nullptr);
  desk.left(40, weir::record_fate::results, 2, nullptr);
  desk.settle();
  BOOST_TEST(how(*a) == "delivered 2");
}

BOOST_FIXTURE_TEST_CASE(the_end_of_the_run_settles_all_others_as_lost, ticket_fixture) {
  open();
  const auto left = push_tracked(1);
  const auto taken_in = push_tracked(2);
  const auto taken = push_tracked(3);
  auto& desk = all[0]->desk;
  feed.take(*all[0], false);
  desk.admitted(0);
  desk.admitted(1);
  admit(2);
  const auto pushed = push_tracked(4);
  // It has left, but nobody has said that it was delivered.
  desk.left(0, weir::record_fate::results, 1, nullptr);
  feed.end_run(cancelled);
  for (const auto& each : {left, taken_in, taken, pushed})
    BOOST_TEST(how(*each) == "lost cancelled");
}

BOOST_FIXTURE_TEST_CASE(a_record_that_is_not_taken_leaves_its_ticket_alone, ticket_fixture) {
  open();
  auto made = std::make_shared<weir::ticket_state>();
  item bad{-1};
  weir::push_request what{&bad, {}, 0, made};
  BOOST_CHECK_THROW(feed.try_push(what), std::runtime_error);
  const auto good = push_tracked(1);
  feed.take(*all[0], false);
  all[0]->desk.admitted(0);
  all[0]->desk.left(0, weir::record_fate::results, 1, nullptr);
  all[0]->desk.settle();
  BOOST_TEST(how(*good) == "delivered 1");
  BOOST_TEST(how(*made) == "not settled");
}

BOOST_FIXTURE_TEST_CASE(a_callback_that_throws_keeps_no_other_ticket_from_settling, ticket_fixture) {
  open();
  const auto a = push_tracked(1);
  const auto b = push_tracked(2);
  a->on_settled([](const weir::settlement&) { throw std::runtime_error("no"); });
  feed.take(*all[0], false);
  for (const weir::slot_index slot : {0, 1}) {
    all[0]->desk.admitted(slot);
    all[0]->desk.left(slot, weir::record_fate::results, 1, nullptr);
  }
  BOOST_CHECK_THROW(all[0]->desk.settle(), std::runtime_error);
  BOOST_TEST(how(*a) == "delivered 1");
  BOOST_TEST(how(*b) == "delivered 1");
}

// -- checkpoints --

BOOST_AUTO_TEST_SUITE_END()
