// SPDX-License-Identifier: Apache-2.0

// When checkpoints begin, and what failures do to that. The first is due 100 ms after the begin.

#include "weir/checkpoint_schedule.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace std::chrono_literals;
using std::chrono::milliseconds;
using weir::checkpoint_schedule;
using weir::checkpoint_timing;
using weir::time_point;

namespace {

constexpr time_point begin{1h};
constexpr auto never = time_point::max();

checkpoint_schedule schedule(checkpoint_timing how) {
  if (how.interval == checkpoint_timing{}.interval)
    how.interval = 100ms;
  BOOST_REQUIRE(how.broken().all().empty());
  return {how, 0, begin};
}

std::string text(const std::vector<weir::error>& all) {
  std::string lines;
  for (const auto& each : all)
    lines += each.text() + "\n";
  return lines;
}

} // namespace

BOOST_AUTO_TEST_SUITE(checkpoint_begins)

BOOST_AUTO_TEST_CASE(one_begins_each_interval_counted_from_begin_to_begin) {
  auto of = schedule({});
  BOOST_TEST((of.next_due() == begin + 100ms));
  BOOST_TEST(!of.start(begin + 99ms).has_value());
  BOOST_TEST((of.start(begin + 100ms) == 1u));
  of.completed(1, begin + 130ms);
  BOOST_TEST((of.next_due() == begin + 200ms));
  BOOST_TEST((of.start(begin + 205ms) == 2u));
  of.completed(2, begin + 206ms);
  BOOST_TEST((of.next_due() == begin + 305ms));
}

BOOST_AUTO_TEST_CASE(numbers_go_on_behind_the_one_that_is_gone_on_from) {
  checkpoint_schedule of{{.interval = 100ms}, 17, begin};
  BOOST_TEST((of.start(begin + 100ms) == 18u));
}

BOOST_AUTO_TEST_CASE(a_number_that_has_failed_is_not_given_again) {
  auto of = schedule({});
  of.start(begin + 100ms);
  of.failed(1, begin + 110ms);
  BOOST_TEST((of.start(begin + 1s) == 2u));
}

BOOST_AUTO_TEST_CASE(the_next_waits_for_the_one_that_is_under_way_and_missed_intervals_are_not_made_up_for) {
  auto of = schedule({});
  of.start(begin + 100ms);
  BOOST_TEST((of.next_due() == never));
  BOOST_TEST(!of.start(begin + 950ms).has_value());
  of.completed(1, begin + 950ms);
  BOOST_TEST((of.start(begin + 950ms) == 2u));
  of.completed(2, begin + 951ms);
  BOOST_TEST((of.next_due() == begin + 1050ms));
}

BOOST_AUTO_TEST_CASE(one_that_the_store_is_writing_is_under_way) {
  auto of = schedule({});
  of.start(begin + 100ms);
  of.handed_over(1);
  BOOST_TEST((of.next_due() == never));
  BOOST_TEST(of.under_way() == 1u);
}

BOOST_AUTO_TEST_CASE(so_many_as_may_be_at_once_begin_beside_each_other) {
  auto of = schedule({.concurrent = 2});
  of.start(begin + 100ms);
  BOOST_TEST((of.next_due() == begin + 200ms));
  BOOST_TEST((of.start(begin + 200ms) == 2u));
  BOOST_TEST((of.next_due() == never));
  // The younger one may be whole before the older.
  of.completed(2, begin + 210ms);
  BOOST_TEST((of.next_due() == begin + 300ms));
  BOOST_TEST(of.under_way() == 1u);
}

BOOST_AUTO_TEST_CASE(the_pause_counts_from_the_end_of_the_one_before) {
  auto of = schedule({.min_pause = 80ms});
  of.start(begin + 100ms);
  of.completed(1, begin + 190ms);
  BOOST_TEST((of.next_due() == begin + 270ms));
  of.start(begin + 270ms);
  // An interval that is longer than what it took and the pause: nothing waits for the pause.
  of.completed(2, begin + 280ms);
  BOOST_TEST((of.next_due() == begin + 370ms));
}

BOOST_AUTO_TEST_CASE(times_that_are_longer_than_any_clock_can_say_never_pass) {
  checkpoint_schedule of{{.interval = weir::duration::max(), .timeout = weir::duration::max()}, 0, begin};
  BOOST_TEST(!of.start(begin + 24h * 365).has_value());
  of.start_last(begin);
  BOOST_TEST((of.next_timeout() > begin + 24h * 365));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(checkpoint_timeouts)

BOOST_AUTO_TEST_CASE(one_that_takes_too_long_is_named_from_then_on_until_it_is_reported) {
  auto of = schedule({.timeout = 50ms});
  BOOST_TEST((of.next_timeout() == never));
  of.start(begin + 100ms);
  BOOST_TEST((of.next_timeout() == begin + 150ms));
  BOOST_TEST(of.timed_out(begin + 149ms).empty());
  BOOST_TEST((of.timed_out(begin + 150ms) == std::vector<std::uint64_t>{1}));
  of.failed(1, begin + 150ms);
  BOOST_TEST(of.timed_out(begin + 150ms).empty());
  BOOST_TEST((of.next_timeout() == never));
}

BOOST_AUTO_TEST_CASE(the_time_of_the_store_does_not_count) {
  auto of = schedule({.timeout = 50ms});
  of.start(begin + 100ms);
  of.handed_over(1);
  BOOST_TEST(of.timed_out(begin + 1h).empty());
  BOOST_TEST((of.next_timeout() == never));
}

BOOST_AUTO_TEST_CASE(of_several_each_has_its_own_timeout) {
  auto of = schedule({.timeout = 150ms, .concurrent = 3});
  of.start(begin + 100ms);
  of.start(begin + 200ms);
  of.handed_over(1);
  BOOST_TEST((of.next_timeout() == begin + 350ms));
  of.start(begin + 300ms);
  BOOST_TEST((of.timed_out(begin + 450ms) == std::vector<std::uint64_t>{2, 3}));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(checkpoint_failures)

BOOST_AUTO_TEST_CASE(each_failure_in_a_row_puts_the_next_off_by_twice_as_long_up_to_a_minute) {
  checkpoint_schedule of{{.interval = 10s}, 0, begin};
  auto now = begin;
  std::vector<std::chrono::seconds> waits;
  for (int i = 0; i < 6; ++i) {
    now = of.next_due();
    const auto id = of.start(now);
    BOOST_REQUIRE(id.has_value());
    now += 3s;
    of.failed(*id, now);
    waits.push_back(std::chrono::duration_cast<std::chrono::seconds>(of.next_due() - now));
  }
  BOOST_TEST((waits == std::vector<std::chrono::seconds>{10s, 20s, 40s, 60s, 60s, 60s}));
  BOOST_TEST(of.failures_in_a_row() == 6u);
}

BOOST_AUTO_TEST_CASE(one_that_is_whole_ends_the_row) {
  auto of = schedule({});
  for (int i = 0; i < 3; ++i) {
    const auto begins = of.next_due();
    of.failed(*of.start(begins), begins);
  }
  const auto at = of.next_due();
  const auto id = of.start(at);
  of.completed(*id, at + 1ms);
  BOOST_TEST(of.failures_in_a_row() == 0u);
  BOOST_TEST((of.next_due() == at + 100ms));
}

BOOST_AUTO_TEST_CASE(failures_never_bring_the_next_one_forward) {
  checkpoint_schedule slow{{.interval = 10min}, 0, begin};
  slow.start(begin + 10min);
  slow.failed(1, begin + 10min + 1s);
  BOOST_TEST((slow.next_due() == begin + 20min));
  auto pausing = schedule({.min_pause = 5min});
  pausing.start(begin + 100ms);
  pausing.failed(1, begin + 200ms);
  BOOST_TEST((pausing.next_due() == begin + 200ms + 5min));
}

BOOST_AUTO_TEST_CASE(one_more_failure_in_a_row_than_is_borne_fails_the_job) {
  auto of = schedule({.tolerated_failures = 1});
  of.start(begin + 1s);
  of.failed(1, begin + 1s);
  BOOST_TEST(!of.has_failed_too_often());
  of.start(begin + 2s);
  of.completed(2, begin + 2s);
  of.start(begin + 3s);
  of.failed(3, begin + 3s);
  BOOST_TEST(!of.has_failed_too_often());
  of.start(begin + 4s);
  of.failed(4, begin + 4s);
  BOOST_TEST(of.has_failed_too_often());
}

BOOST_AUTO_TEST_CASE(where_none_is_borne_the_first_fails_the_job) {
  auto of = schedule({.tolerated_failures = 0});
  of.start(begin + 1s);
  of.failed(1, begin + 1s);
  BOOST_TEST(of.has_failed_too_often());
}

BOOST_AUTO_TEST_CASE(without_a_number_any_number_of_failures_is_borne) {
  auto of = schedule({});
  for (int i = 0; i < 1000; ++i) {
    const auto at = of.next_due();
    of.failed(*of.start(at), at + 1ms);
  }
  BOOST_TEST(!of.has_failed_too_often());
  BOOST_TEST(of.failures_in_a_row() == 1000u);
}

BOOST_AUTO_TEST_CASE(what_is_not_under_way_changes_nothing) {
  auto of = schedule({.tolerated_failures = 0});
  of.failed(1, begin);
  of.completed(7, begin + 1h);
  of.handed_over(3);
  BOOST_TEST(!of.has_failed_too_often());
  BOOST_TEST((of.next_due() == begin + 100ms));
  of.start(begin + 100ms);
  of.completed(1, begin + 101ms);
  // Reported twice: a store that answers late.
  of.failed(1, begin + 102ms);
  BOOST_TEST(!of.has_failed_too_often());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(last_checkpoint)

BOOST_AUTO_TEST_CASE(it_begins_at_once_beside_what_is_under_way_and_no_other_follows) {
  auto of = schedule({.min_pause = 1h});
  of.start(begin + 100ms);
  BOOST_TEST(of.start_last(begin + 101ms) == 2u);
  BOOST_TEST((of.next_due() == never));
  of.completed(1, begin + 102ms);
  of.completed(2, begin + 103ms);
  BOOST_TEST((of.next_due() == never));
  BOOST_TEST(!of.start(begin + 24h).has_value());
  BOOST_TEST(!of.has_failed_too_often());
}

BOOST_AUTO_TEST_CASE(it_is_tried_three_times_where_any_number_of_failures_is_borne) {
  auto of = schedule({});
  of.failed(of.start_last(begin), begin + 1ms);
  BOOST_TEST((of.next_due() == begin + 101ms));
  BOOST_TEST(!of.start(begin + 100ms).has_value());
  BOOST_TEST((of.start(begin + 101ms) == 2u));
  BOOST_TEST((of.next_due() == never));
  of.failed(2, begin + 110ms);
  BOOST_TEST((of.next_due() == begin + 310ms));
  BOOST_TEST(!of.has_failed_too_often());
  of.start(begin + 310ms);
  of.failed(3, begin + 311ms);
  BOOST_TEST(of.has_failed_too_often());
  BOOST_TEST((of.next_due() == never));
}

BOOST_AUTO_TEST_CASE(else_it_is_tried_once_more_than_failures_are_borne) {
  auto of = schedule({.tolerated_failures = 0});
  of.failed(of.start_last(begin), begin + 1ms);
  BOOST_TEST(of.has_failed_too_often());
  auto patient = schedule({.tolerated_failures = UINT32_MAX});
  patient.failed(patient.start_last(begin), begin + 1ms);
  BOOST_TEST(!patient.has_failed_too_often());
}

BOOST_AUTO_TEST_CASE(a_later_try_that_is_whole_is_enough) {
  auto of = schedule({});
  of.failed(of.start_last(begin), begin + 1ms);
  const auto second = of.start(begin + 1s);
  of.completed(*second, begin + 2s);
  BOOST_TEST(!of.has_failed_too_often());
  BOOST_TEST((of.next_due() == never));
}

BOOST_AUTO_TEST_CASE(a_further_try_may_be_begun_before_it_is_due) {
  auto of = schedule({});
  of.failed(of.start_last(begin), begin + 1ms);
  BOOST_TEST((of.next_due() == begin + 101ms));
  BOOST_TEST(of.start_last(begin + 2ms) == 2u);
  BOOST_TEST((of.next_due() == never));
  of.failed(2, begin + 3ms);
  BOOST_TEST((of.next_due() == begin + 203ms));
}

BOOST_AUTO_TEST_CASE(failures_of_those_before_it_do_not_count_against_it) {
  auto of = schedule({.concurrent = 2, .tolerated_failures = 1});
  of.start(begin + 1s);
  of.start(begin + 2s);
  of.start_last(begin + 3s);
  of.failed(1, begin + 4s);
  of.failed(2, begin + 4s);
  BOOST_TEST(!of.has_failed_too_often());
  of.completed(3, begin + 5s);
  BOOST_TEST(!of.has_failed_too_often());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(checkpoint_timings)

BOOST_AUTO_TEST_CASE(the_defaults_are_no_mistake) {
  BOOST_TEST(text(checkpoint_timing{}.broken().errors("job")) == "");
}

BOOST_AUTO_TEST_CASE(every_rule_that_is_broken_is_named) {
  const checkpoint_timing wrong{.interval = 0s, .min_pause = -1ns, .timeout = 0s, .concurrent = 101};
  BOOST_TEST(text(wrong.broken().errors("checkpoints"))
             == "checkpoints: interval is 0 ns but must be > 0 (argument)\n"
                "checkpoints: min_pause is -1 ns but must be >= 0 (argument)\n"
                "checkpoints: timeout is 0 ns but must be > 0 (argument)\n"
                "checkpoints: concurrent is 101 but must be 1 to 100 (argument)\n");
  BOOST_TEST(checkpoint_timing{.concurrent = 0}.broken().all().size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

// Checkpoints begin, end well or badly, or hang, at random: never too many at once, never sooner than the
// pause and the interval allow, never put off for longer than they must be, and each number once.
BOOST_AUTO_TEST_CASE(a_long_run_of_checkpoints_keeps_all_the_rules) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      const auto below = [&](std::uint64_t n) { return chance() % n; };
      const checkpoint_timing how{.interval = milliseconds{1 + below(200'000)},
                                  .min_pause = milliseconds{below(100'000)},
                                  .timeout = milliseconds{1 + below(300'000)},
                                  .concurrent = 1 + below(4)};
      checkpoint_schedule of{how, below(100), begin};
      auto now = begin;
      auto latest_begin = begin;
      std::optional<time_point> latest_end;
      std::set<std::uint64_t> open;
      std::uint64_t newest = 0;
      std::size_t begun = 0;
      for (int step = 0; step < 2'000; ++step) {
        const auto due = of.next_due();
        BOOST_REQUIRE((due == never) == (open.size() >= how.concurrent));
        if (due != never && latest_end)
          BOOST_REQUIRE((due <= std::max(latest_begin + how.interval,
                                         *latest_end + std::max<weir::duration>(how.min_pause, 1min))));
        now = due == never ? now + milliseconds{below(100'000)} : std::max(now, due - milliseconds{below(2)});
        if (const auto id = of.start(now)) {
          BOOST_REQUIRE(*id > newest);
          BOOST_REQUIRE((now - latest_begin >= how.interval));
          if (latest_end)
            BOOST_REQUIRE((now - *latest_end >= how.min_pause));
          newest = *id;
          open.insert(*id);
          latest_begin = now;
          ++begun;
        }
        BOOST_REQUIRE(of.under_way() == open.size());
        for (const auto id : of.timed_out(now)) {
          BOOST_REQUIRE(open.erase(id) == 1u);
          of.failed(id, now);
          latest_end = now;
        }
        if (!open.empty() && below(2) == 0) {
          const auto id = *std::next(open.begin(), static_cast<long>(below(open.size())));
          const auto what = below(4);
          if (what == 0) {
            of.handed_over(id);
          } else {
            what == 1 ? of.failed(id, now) : of.completed(id, now);
            open.erase(id);
            latest_end = now;
          }
        }
      }
      BOOST_TEST(begun > 100u);
    }
  }
}
