// SPDX-License-Identifier: Apache-2.0

// The way from a program's threads to an operator: bounds, lines, wake-ups and ends. Where a test needs no
// threads, it plays the pushers and the stage itself.

#include "weir/push_feed.hpp"
#include "weir/stage_thread.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weir::push_result;
using weir::waiting_push;

namespace {

/// A record that can refuse to be measured.
struct item {
  int value = 0;
  std::size_t bytes = 8;

  friend std::size_t held_bytes(const item& x) {
    if (x.value < 0)
      throw std::runtime_error("held_bytes of " + std::to_string(x.value));
    return x.bytes;
  }
};

/// Everything of a batch in order: `1`, `w5` for a watermark, `.` for the end, `b3` for the barrier of checkpoint 3.
std::string text_of(weir::batch_base& of) {
  auto& in = static_cast<weir::batch<item>&>(of);
  std::string all;
  weir::batch_cursor at;
  while (!at.at_end(in)) {
    all += all.empty() ? "" : " ";
    if (!at.at_control(in)) {
      all += std::to_string(in.value(at.record++).value);
      continue;
    }
    const auto& what = in.controls()[at.control++].what;
    if (what.kind() == weir::control_kind::barrier)
      all += "b" + std::to_string(what.checkpoint());
    else
      all += what.kind() == weir::control_kind::end ? "." : "w" + std::to_string(what.event_time().ms());
  }
  return all;
}

/// Plays a stage for each lane.
struct feed_fixture {
  explicit feed_fixture(weir::feed_limits limits = {.records = 3}, bool keyed = false)
    : feed("service s", limits, keyed) {}

  void open(std::uint32_t lanes = 1, weir::batch_limits batches = {}, const weir::feed_run& how = {}) {
    run = *feed.open(lanes, batches, how);
    wakes.assign(lanes, 0);
    admitted.assign(lanes, 0);
    all.clear();
    for (std::uint32_t i = 0; i < lanes; ++i) {
      all.push_back(feed.lane(i));
      feed.listen(*all[i], [this, i] { ++wakes[i]; });
      feed.take(*all[i], false);
    }
  }

  push_result push(int value, weir::push_options where = {}, weir::key_hash key = 0) {
    item record{value};
    weir::push_request what{&record, where, key, nullptr};
    return feed.try_push(what);
  }

  /// Takes all that lies in a lane, batch by batch, divided by `|`.
  std::string take(std::uint32_t lane = 0) {
    std::string text;
    while (auto taken = feed.take(*all[lane], false).of) {
      text += (text.empty() ? "" : " | ") + text_of(*taken);
      const auto bytes = taken->bytes();
      taken->clear();
      feed.give_back(*all[lane], bytes, std::move(taken));
    }
    return text;
  }

  /// Takes what stands in front of barriers.
  std::string take_to_barrier(std::uint32_t lane = 0) {
    std::string text;
    for (auto& taken : feed.take_to_barrier(*all[lane]).of) {
      text += (text.empty() ? "" : " | ") + text_of(*taken);
      const auto bytes = taken->bytes();
      taken->clear();
      feed.give_back(*all[lane], bytes, std::move(taken));
    }
    return text;
  }

  weir::feed_cut begin_checkpoint(std::uint64_t checkpoint, bool last = false) {
    const auto cut = feed.begin_checkpoint(*all[0], checkpoint, last);
    BOOST_TEST_REQUIRE(cut.has_value());
    return *cut;
  }

  /// The operator takes in so many records more.
  void admit(std::uint64_t records, std::uint32_t lane = 0) {
    feed.admitted(*all[lane], admitted[lane] += records);
  }

  weir::push_feed<item> feed;
  std::uint64_t run = 0;
  std::vector<std::shared_ptr<weir::push_lane>> all;
  std::vector<int> wakes;
  std::vector<std::uint64_t> admitted;
};

struct keyed_fixture : feed_fixture {
  keyed_fixture() : feed_fixture({.records = 1}, true) { open(2); }
};

/// A record that stands in line as a coroutine does.
struct in_line {
  explicit in_line(int value, weir::key_hash key = 0)
    : record{value}, push(weir::push_request{&record, {}, key, nullptr}) {
    push.coroutine = std::noop_coroutine();
  }

  item record;
  waiting_push push;
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

namespace {

struct ticket_fixture : feed_fixture {
  std::shared_ptr<weir::ticket_state> push_tracked(int value) {
    auto made = std::make_shared<weir::ticket_state>();
    item record{value};
    weir::push_request what{&record, {}, 0, made};
    BOOST_TEST((feed.try_push(what) == push_result::taken));
    return made;
  }

  static std::string how(const weir::ticket_state& of) {
    const auto settled = of.wait(0s);
    if (!settled)
      return "not settled";
    switch (settled->kind) {
      case weir::settlement_kind::delivered:
        return "delivered " + std::to_string(settled->results);
      case weir::settlement_kind::dropped:
        return "dropped " + settled->why.kind();
      case weir::settlement_kind::dead_letter:
        return "dead letter " + settled->why.kind();
      case weir::settlement_kind::lost:
        return "lost " + settled->why.kind();
    }
    return "";
  }

  const weir::error cancelled{"cancelled", "job j", ""};
};

} // namespace

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

BOOST_FIXTURE_TEST_SUITE(checkpoints, ticket_fixture)

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
  BOOST_TEST(!feed.take_to_barrier(*all[0]).stops);
  begin_checkpoint(2, true);
  BOOST_TEST((waits.push.is == waiting_push::state::refused));
  BOOST_TEST(waits.push.why.text() == "service s: its job is being stopped (closed)");
  BOOST_TEST((push(5) == push_result::closed));
  BOOST_TEST(!feed.finish());
  BOOST_TEST(feed.take_to_barrier(*all[0]).stops);
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
  const auto taken = feed.take_to_barrier(*all[0]).of;
  weir::origin_runs::cursor at;
  BOOST_TEST(at.at(taken.at(0)->origins(), 0).position == far_behind);
  BOOST_TEST(text_of(*taken.at(0)) == "1 w51 2 b4");
  // What it says of its begin does not change.
  BOOST_TEST(feed.where().resume_from.value() == 100u);
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

// -- threads --

namespace {

/// A stage on a thread of its own: takes what comes, admits it after a while, until the end has come.
class stage_thread {
public:
  stage_thread(weir::push_feed<item>& of, std::uint32_t lane) : feed_(of), lane_(of.lane(lane)) {
    feed_.listen(*lane_, [this] { wake(); });
    thread_ = std::thread{[this] { run(); }};
  }

  /// Leaves, whether the end has come or not.
  void leave() {
    leaving_ = true;
    wake();
  }

  /// What came, when the end has.
  const std::vector<int>& join() {
    thread_.join();
    return values_;
  }

  /// Then: how much of it stood in front of each barrier.
  const std::map<std::uint64_t, std::size_t>& fronts() const noexcept { return fronts_; }

private:
  void wake() {
    awake_ = true;
    awake_.notify_one();
  }

  void run() {
    for (bool ended = false; !ended && !leaving_;) {
      for (auto& taken : feed_.take_to_barrier(*lane_).of)
        ended = use(std::move(taken)) || ended;
      while (auto taken = feed_.take(*lane_, false).of)
        ended = use(std::move(taken)) || ended;
      if (!ended)
        awake_.wait(false);
      awake_ = false;
    }
    feed_.listen(*lane_, nullptr);
  }

  /// Whether the end is in it.
  bool use(std::shared_ptr<weir::batch_base> taken) {
    auto& in = static_cast<weir::batch<item>&>(*taken);
    for (std::size_t i = 0; i < in.records(); ++i)
      values_.push_back(in.value(i).value);
    bool ends = false;
    for (const auto& [before, what] : in.controls())
      if (what.kind() == weir::control_kind::barrier)
        fronts_[what.checkpoint()] = values_.size();
      else
        ends = true;
    const auto bytes = in.bytes();
    in.clear();
    feed_.give_back(*lane_, bytes, std::move(taken));
    feed_.admitted(*lane_, values_.size());
    return ends;
  }

  weir::push_feed<item>& feed_;
  const std::shared_ptr<weir::push_lane> lane_;
  std::atomic<bool> awake_{false};
  std::atomic<bool> leaving_{false};
  std::vector<int> values_;
  std::map<std::uint64_t, std::size_t> fronts_;
  std::thread thread_;
};

/// Pushes `first`, `first` + 1, ... in one of the ways, until the feed is closed or `count` were taken.
int push_all(weir::push_feed<item>& to, int first, int count, int way) {
  int taken = 0;
  while (taken < count) {
    item record{first + taken};
    weir::push_request what{&record, {}, static_cast<weir::key_hash>(first + taken), nullptr};
    if (way == 0) {
      const auto result = to.try_push(what);
      if (result == push_result::closed)
        break;
      taken += result == push_result::taken ? 1 : 0;
      if (result == push_result::full)
        std::this_thread::yield();
    } else {
      const auto pushed = to.push(what, way == 1 ? weir::duration::max() : weir::duration{1000});
      if (pushed)
        ++taken;
      else if (pushed.why().is(weir::error_kind::closed))
        break;
    }
  }
  return taken;
}

constexpr int far = 1'000'000;

/// Each pusher's records came in order and without a gap; gives how many there were of each.
std::vector<int> count_by_pusher(const std::vector<int>& values, int pushers) {
  std::vector<int> next(static_cast<std::size_t>(pushers), 0);
  for (const auto value : values) {
    auto& of = next[static_cast<std::size_t>(value / far)];
    if (value % far != of)
      BOOST_ERROR("record " + std::to_string(value) + " came where "
                  + std::to_string(value / far * far + of) + " was next");
    of = value % far + 1;
  }
  return next;
}

} // namespace

BOOST_AUTO_TEST_CASE(what_many_threads_push_comes_once_and_in_each_ones_order) {
  constexpr int pushers = 6;
  constexpr int each = 3000;
  feed_fixture of{{.records = 16}};
  BOOST_TEST(of.feed.open(1, {.records = 5}).has_value());
  stage_thread stage{of.feed, 0};
  std::vector<std::thread> threads;
  for (int i = 0; i < pushers; ++i)
    threads.emplace_back([&, i] { push_all(of.feed, i * far, each, i % 3); });
  for (auto& thread : threads)
    thread.join();
  BOOST_TEST(of.feed.finish());
  BOOST_TEST(count_by_pusher(stage.join(), pushers) == std::vector<int>(pushers, each),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_end_in_the_middle_loses_nothing_that_was_taken) {
  constexpr int pushers = 4;
  for (int round = 0; round < 50; ++round) {
    feed_fixture of{{.records = 4}};
    BOOST_TEST(of.feed.open(1, {}).has_value());
    stage_thread stage{of.feed, 0};
    std::vector<std::future<int>> taken;
    for (int i = 0; i < pushers; ++i)
      taken.push_back(std::async(std::launch::async, [&, i] {
        return push_all(of.feed, i * far, far, (i + round) % 3);
      }));
    while (of.feed.pushed(1) < static_cast<std::uint64_t>(round))
      std::this_thread::yield();
    BOOST_TEST(of.feed.finish());
    std::vector<int> counts;
    for (auto& each : taken)
      counts.push_back(each.get());
    BOOST_TEST(count_by_pusher(stage.join(), pushers) == counts, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_run_that_is_given_up_frees_all_who_wait_and_settles_their_tickets) {
  constexpr int pushers = 4;
  feed_fixture of{{.records = 2}};
  for (int round = 0; round < 50; ++round) {
    BOOST_TEST(of.feed.open(1, {}).has_value());
    stage_thread stage{of.feed, 0};
    std::atomic<int> taken{0};
    std::atomic<int> lost{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < pushers; ++i)
      threads.emplace_back([&] {
        for (;;) {
          auto made = std::make_shared<weir::ticket_state>();
          made->on_settled([&](const weir::settlement&) { ++lost; });
          item record{1};
          if (!of.feed.push({&record, {}, 0, made}, weir::duration::max()))
            return;
          ++taken;
        }
      });
    while (taken < round)
      std::this_thread::yield();
    // As a job ends: first nothing is taken, then the stages leave, then all is over.
    of.feed.refuse({"io", "store", "it said no"});
    stage.leave();
    stage.join();
    of.feed.end_run({"io", "store", "it said no"});
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST(taken == lost);
  }
}

BOOST_AUTO_TEST_CASE(several_lanes_share_what_is_pushed) {
  constexpr int pushers = 3;
  constexpr int each = 2000;
  for (const bool keyed : {false, true}) {
    feed_fixture of{{.records = 8}, keyed};
    BOOST_TEST(of.feed.open(2, {}).has_value());
    stage_thread a{of.feed, 0};
    stage_thread b{of.feed, 1};
    std::vector<std::thread> threads;
    for (int i = 0; i < pushers; ++i)
      threads.emplace_back([&, i] { push_all(of.feed, i * far, each, i); });
    for (auto& thread : threads)
      thread.join();
    BOOST_TEST(of.feed.finish());
    auto values = a.join();
    const auto& others = b.join();
    BOOST_TEST(!values.empty());
    BOOST_TEST(!others.empty());
    values.insert(values.end(), others.begin(), others.end());
    std::sort(values.begin(), values.end());
    BOOST_TEST(count_by_pusher(values, pushers) == std::vector<int>(pushers, each),
               boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_CASE(a_barrier_cuts_what_many_threads_push_at_one_moment) {
  constexpr int pushers = 4;
  constexpr int each = 2000;
  constexpr std::uint64_t checkpoints = 40;
  for (const bool keyed : {false, true}) {
    feed_fixture of{{.records = 8}, keyed};
    BOOST_TEST(of.feed.open(3, {.records = 5}, {.first_checkpoint = 1}).has_value());
    std::deque<stage_thread> stages;
    for (std::uint32_t lane = 0; lane < 3; ++lane)
      stages.emplace_back(of.feed, lane);
    const auto lane = of.feed.lane(0);
    std::vector<weir::feed_cut> cuts;
    // A thread that is neither a pusher nor a stage makes checkpoints, and another says that they are durable.
    std::thread coordinator{[&] {
      for (std::uint64_t n = 1; n <= checkpoints; ++n) {
        cuts.push_back(of.feed.begin_checkpoint(*lane, n, false).value());
        lane->durability->reach(n);
        std::this_thread::yield();
      }
    }};
    std::atomic<int> durable{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < pushers; ++i)
      threads.emplace_back([&, i] {
        push_all(of.feed, i * far, each, i % 3);
        auto made = std::make_shared<weir::ticket_state>();
        item record{i * far + each};
        if (of.feed.push({&record, {}, static_cast<weir::key_hash>(record.value), made}, weir::duration::max()))
          made->on_durable([&](const weir::expected<void>& how) { durable += how ? 1 : 0; });
      });
    for (auto& thread : threads)
      thread.join();
    coordinator.join();
    cuts.push_back(of.feed.begin_checkpoint(*lane, checkpoints + 1, false).value());
    lane->durability->reach(checkpoints + 1);
    BOOST_TEST(durable == pushers);
    BOOST_TEST(of.feed.finish());
    std::vector<std::vector<int>> values;
    for (auto& stage : stages)
      values.push_back(stage.join());
    for (std::uint64_t n = 1; n <= checkpoints + 1; ++n) {
      // Of each pusher what it had pushed by then, and of all together as many as the cut says.
      std::vector<int> front;
      for (std::size_t i = 0; i < stages.size(); ++i)
        front.insert(front.end(), values[i].begin(),
                     values[i].begin() + static_cast<std::ptrdiff_t>(stages[i].fronts().at(n)));
      std::sort(front.begin(), front.end());
      count_by_pusher(front, pushers);
      BOOST_TEST(front.size() == cuts[n - 1].next_number);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
