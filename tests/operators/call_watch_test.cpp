// SPDX-License-Identifier: Apache-2.0

/// A call that holds the thread is found, whether it blocks from the first or begins to later, and the
/// clock is read seldom while all is well.

#include "weir/call_watch.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <vector>

namespace {

using namespace weir;
using namespace std::chrono_literals;

struct watch_fixture {
  void call(duration takes) {
    watch.call_begins();
    now += takes;
    watch.call_ends();
  }

  time_point now{1h};
  std::size_t readings = 0;
  std::vector<duration> reported;
  call_watch watch{10ms, [this] { return ++readings, now; },
                   [this](duration took) { reported.push_back(took); }};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(call_watches, watch_fixture)

BOOST_AUTO_TEST_CASE(a_function_that_blocks_from_the_first_call_on_is_measured_exactly) {
  for (int n = 0; n < 3; ++n)
    call(15ms);
  watch.message_ends();
  BOOST_TEST((reported == std::vector<duration>{15ms, 15ms, 15ms}));
}

BOOST_AUTO_TEST_CASE(a_call_just_below_the_bound_is_not_reported) {
  for (int n = 0; n < 100; ++n)
    call(10ms - 1ns);
  watch.message_ends();
  BOOST_TEST(reported.empty());
}

BOOST_AUTO_TEST_CASE(the_clock_is_read_for_many_quick_calls_at_once) {
  for (int n = 0; n < 64'000; ++n)
    call(100ns);
  BOOST_TEST(watch.group() == 64u);
  BOOST_TEST(readings < 2'100u);
  BOOST_TEST(reported.empty());
}

BOOST_AUTO_TEST_CASE(a_function_that_begins_to_block_is_measured_exactly_behind_the_group_at_hand) {
  for (int n = 0; n < 1'000; ++n)
    call(100ns);
  for (int n = 0; n < 70; ++n)
    call(12ms);
  watch.message_ends();
  BOOST_TEST(watch.group() == 1u);
  // 1,000 quick calls are 63 in growing groups, 14 groups of 64 and 41 more: 23 are left of the last.
  BOOST_TEST((reported == std::vector<duration>(70 - 23, 12ms)));
}

BOOST_AUTO_TEST_CASE(a_call_that_blocks_is_found_the_second_time_where_messages_are_small) {
  for (int n = 0; n < 1'000; ++n)
    call(100ns);
  for (int n = 0; n < 2; ++n) {
    watch.message_ends();
    now += 1s;
    call(12ms);
  }
  watch.message_ends();
  BOOST_TEST((reported == std::vector<duration>{12ms}));
}

BOOST_AUTO_TEST_CASE(a_call_that_blocks_among_many_quick_ones_is_found_the_second_time) {
  for (int n = 0; n < 10'000; ++n)
    call(n % 2'000 == 500 ? 15ms : 100ns);
  watch.message_ends();
  BOOST_TEST((reported == std::vector<duration>(4, 15ms)));
}

BOOST_AUTO_TEST_CASE(after_a_slow_group_the_clock_is_read_for_many_calls_at_once_again) {
  for (int n = 0; n < 10'000; ++n)
    call(n == 500 ? 15ms : 100ns);
  BOOST_TEST(watch.group() == 64u);
}

BOOST_AUTO_TEST_CASE(what_happens_between_the_calls_is_not_blamed_on_the_function) {
  // GIVEN calls of 1 us, WHEN in a batch the results of 64 of them go through a slow step together
  for (int n = 0; n < 10 * 1'024; ++n) {
    call(1us);
    if (n % 64 == 63)
      now += 64 * 200us;
    if (n % 1'024 == 1'023)
      watch.message_ends();
  }
  // or each result alone, or the thread loses its processor now and then
  for (int n = 0; n < 10 * 1'024; ++n) {
    call(1us);
    now += n % 3 == 0 ? 200us : 0us;
    now += n % 1'000 == 500 ? 20ms : 0ms;
    if (n % 1'024 == 1'023)
      watch.message_ends();
  }
  // THEN nothing is said
  BOOST_TEST(reported.empty());
}

BOOST_AUTO_TEST_CASE(a_group_ends_with_its_message) {
  for (int n = 0; n < 1'000; ++n)
    call(100ns);
  // The operator has nothing to do for an hour.
  watch.message_ends();
  now += 1h;
  for (int n = 0; n < 100; ++n)
    call(100ns);
  watch.message_ends();
  BOOST_TEST(reported.empty());
}

BOOST_AUTO_TEST_CASE(without_a_bound_no_clock_is_read) {
  call_watch off{0ms, [this] { return ++readings, now; }, [](duration) {}};
  for (int n = 0; n < 1'000; ++n) {
    off.call_begins();
    off.call_ends();
    off.message_ends();
  }
  BOOST_TEST(readings == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
