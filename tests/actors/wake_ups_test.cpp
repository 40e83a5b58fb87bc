// SPDX-License-Identifier: Apache-2.0

#include "wake_ups.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace std::chrono_literals;
using weir::time_point;
using weir::wake_ups;

namespace {

constexpr time_point start{std::chrono::hours{1}};

} // namespace

BOOST_AUTO_TEST_SUITE(wake_ups_under_way)

BOOST_AUTO_TEST_CASE(nothing_due_needs_no_message) {
  wake_ups of;
  BOOST_TEST(!of.arm(time_point::max(), start).has_value());
  BOOST_TEST(of.under_way() == 0u);
}

BOOST_AUTO_TEST_CASE(one_that_comes_early_enough_serves_the_later_ones) {
  wake_ups of;
  BOOST_TEST((of.arm(start + 10ms, start) == start + 10ms));
  BOOST_TEST(!of.arm(start + 10ms, start).has_value());
  BOOST_TEST(!of.arm(start + 20ms, start).has_value());
  BOOST_TEST((of.arm(start + 5ms, start) == start + 5ms));
  BOOST_TEST(of.under_way() == 2u);
}

BOOST_AUTO_TEST_CASE(when_it_has_come_the_next_is_sent) {
  wake_ups of;
  of.arm(start + 10ms, start);
  of.arrived(start + 10ms);
  BOOST_TEST(of.under_way() == 0u);
  BOOST_TEST((of.arm(start + 20ms, start + 10ms) == start + 20ms));
}

BOOST_AUTO_TEST_CASE(what_is_far_ahead_is_looked_at_again_on_the_way) {
  wake_ups of;
  BOOST_TEST((of.arm(start + 1h, start) == start + wake_ups::horizon));
}

BOOST_AUTO_TEST_CASE(what_is_overdue_is_sent_for_at_its_time) {
  wake_ups of;
  BOOST_TEST((of.arm(start - 1ms, start) == start - 1ms));
}

BOOST_AUTO_TEST_CASE(a_message_that_nobody_sent_changes_nothing) {
  wake_ups of;
  of.arm(start + 10ms, start);
  of.arrived(start + 7ms);
  BOOST_TEST(of.under_way() == 1u);
}

// Deadlines and back-offs of all lengths come and go for an hour: there is always a message that comes
// no later than the earliest, or than the horizon, and there is never more than a handful.
BOOST_AUTO_TEST_CASE(a_long_run_with_many_back_offs_has_a_handful_under_way) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      wake_ups of;
      std::multiset<time_point> messages;
      std::multiset<time_point> due;
      auto now = start;
      std::size_t most = 0;
      std::size_t sent = 0;
      for (int step = 0; step < 200'000; ++step) {
        now += weir::duration{chance() % 2'000'000};
        for (int n = static_cast<int>(chance() % 4); n > 0; --n)
          due.insert(
            now + std::chrono::microseconds{1 + chance() % (chance() % 2 ? 5'000'000 : 20'000)});
        while (!messages.empty() && *messages.begin() <= now) {
          of.arrived(*messages.begin());
          messages.erase(messages.begin());
        }
        due.erase(due.begin(), due.upper_bound(now));
        const auto earliest = due.empty() ? time_point::max() : *due.begin();
        if (const auto at = of.arm(earliest, now)) {
          messages.insert(*at);
          ++sent;
        }
        most = std::max(most, of.under_way());
        BOOST_REQUIRE(of.under_way() == messages.size());
        if (earliest != time_point::max()) {
          BOOST_REQUIRE(!messages.empty());
          BOOST_REQUIRE((*messages.begin() <= std::min(earliest, now + wake_ups::horizon)));
        }
      }
      BOOST_TEST(most <= 32u);
      BOOST_TEST(sent < 400'000u);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
