// SPDX-License-Identifier: Apache-2.0

#include "weir/retry_strategy.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

namespace {

using namespace weir;
using namespace std::chrono_literals;

error of_kind(std::string_view kind) {
  return {kind, "service", "it said no"};
}

exponential_delay exponential(duration initial, duration max, double multiplier,
                              double jitter = 0) {
  return {5, initial, max, multiplier, jitter, any_error()};
}

/// The one mistake's message.
std::string mistake(const retry_strategy& strategy) {
  const auto found = strategy.mistakes("operator lookup");
  BOOST_REQUIRE_EQUAL(found.size(), 1u);
  BOOST_TEST(found.front().is(error_kind::argument));
  BOOST_TEST(found.front().thing() == "operator lookup");
  return found.front().message();
}

bool says(const std::string& message, std::string_view what) {
  return message.find(what) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(retry_strategies)

BOOST_AUTO_TEST_CASE(no_retry_is_the_default) {
  const retry_strategy none;
  BOOST_TEST(!none.enabled());
  BOOST_TEST(none.max_attempts() == 0u);
  BOOST_TEST(!none.retries_error(of_kind("io")));
  BOOST_TEST(!none.if_result());
  BOOST_TEST(none.mistakes("x").empty());
}

BOOST_AUTO_TEST_CASE(without_a_predicate_nothing_is_retried) {
  const retry_strategy fixed = fixed_delay{3, 10ms, {}};
  const retry_strategy growing = exponential_delay{3, 10ms, 1s, 2, 0, {}};
  for (const auto& strategy : {fixed, growing}) {
    BOOST_TEST(strategy.enabled());
    BOOST_TEST(!strategy.retries_error(of_kind("io")));
    BOOST_TEST(!strategy.if_result());
  }
}

BOOST_AUTO_TEST_CASE(predicates_look_at_the_errors_kind) {
  BOOST_TEST(any_error()(of_kind("whatever")));
  BOOST_TEST(error_of_kind({"io", "busy"})(of_kind("busy")));
  BOOST_TEST(!error_of_kind({"io", "busy"})(of_kind("bus")));
  BOOST_TEST(!error_of_kind({})(of_kind("io")));
  BOOST_TEST(!error_not_of_kind({"io", "busy"})(of_kind("busy")));
  BOOST_TEST(error_not_of_kind({"io", "busy"})(of_kind("miss")));
}

BOOST_AUTO_TEST_CASE(an_empty_result_is_retried_only_where_asked_for) {
  BOOST_TEST(bool(retry_strategy(fixed_delay{1, 1ms, {}, empty_result()}).if_result()));
  BOOST_TEST(!retry_strategy(fixed_delay{1, 1ms, any_error()}).if_result());
}

// -- delays --

BOOST_AUTO_TEST_CASE(a_fixed_delay_is_the_same_before_each_retry) {
  const retry_strategy fixed = fixed_delay{3, 10ms, any_error()};
  for (const std::uint32_t n : {1u, 2u, 3u})
    BOOST_TEST((fixed.delay(n, 0.99) == 10ms));
  BOOST_TEST(!fixed.has_jitter());
}

BOOST_AUTO_TEST_CASE(an_exponential_delay_grows_up_to_its_greatest) {
  const retry_strategy growing = exponential(10ms, 75ms, 2);
  BOOST_TEST((growing.delay(1, 0) == 10ms));
  BOOST_TEST((growing.delay(2, 0) == 20ms));
  BOOST_TEST((growing.delay(3, 0) == 40ms));
  BOOST_TEST((growing.delay(4, 0) == 75ms));
  BOOST_TEST((growing.delay(5, 0) == 75ms));
}

BOOST_AUTO_TEST_CASE(the_delay_depends_on_the_attempt_alone) {
  const retry_strategy growing = exponential(10ms, 10s, 3);
  BOOST_TEST((growing.delay(4, 0) == 270ms));
  BOOST_TEST((growing.delay(1, 0) == 10ms));
  BOOST_TEST((growing.delay(4, 0) == 270ms));
}

BOOST_AUTO_TEST_CASE(a_delay_is_rounded_down_once_at_the_end) {
  // 3 * 1.5^n = 4.5, 6.75, 10.125, 15.1875: rounded at each step it would be 4, 6, 9, 13.
  const retry_strategy growing = exponential(3ns, 1s, 1.5);
  const duration expected[] = {3ns, 4ns, 6ns, 10ns, 15ns};
  for (std::uint32_t n = 1; n <= 5; ++n)
    BOOST_TEST((growing.delay(n, 0) == expected[n - 1]));
}

BOOST_AUTO_TEST_CASE(long_delays_are_exact_to_the_nanosecond) {
  constexpr duration initial{(std::int64_t{1} << 60) + 1};
  BOOST_TEST((retry_strategy(exponential(initial, duration::max(), 2)).delay(1, 0) == initial));
  BOOST_TEST((retry_strategy(exponential(initial, duration::max(), 2)).delay(2, 0)
              == duration{2 * initial.count()}));
}

BOOST_AUTO_TEST_CASE(a_delay_that_would_overflow_is_the_greatest) {
  const retry_strategy growing = exponential(1s, duration::max(), 1e300);
  BOOST_TEST((growing.delay(2, 0) == duration::max()));
  BOOST_TEST((growing.delay(5, 0) == duration::max()));
  const retry_strategy many = exponential(1ns, 1h, 2);
  for (const std::uint32_t n : {64u, 65u, 100'000u, std::numeric_limits<std::uint32_t>::max()})
    BOOST_TEST((many.delay(n, 0) == 1h), "attempt " << n);
}

BOOST_AUTO_TEST_CASE(decimal_multipliers_come_out_as_they_are_written) {
  BOOST_TEST((retry_strategy(exponential(1s, 1h, 1.1)).delay(2, 0) == 1100ms));
  BOOST_TEST((retry_strategy(exponential(1s, 1h, 1.2)).delay(2, 0) == 1200ms));
  BOOST_TEST((retry_strategy(exponential(10ns, 1h, 1.2)).delay(2, 0) == 12ns));
  BOOST_TEST((retry_strategy(exponential(1s, 1h, 1.2)).delay(3, 0) == 1440ms));
  BOOST_TEST((retry_strategy(exponential(1s, 1h, 1.3)).delay(5, 0) == 2856100us));
}

BOOST_AUTO_TEST_CASE(jitter_takes_off_at_most_its_share) {
  const retry_strategy growing = exponential(100ms, 1s, 2, 0.25);
  BOOST_TEST(growing.has_jitter());
  BOOST_TEST((growing.delay(1, 0) == 100ms));
  BOOST_TEST((growing.delay(2, 0) == 200ms));
  const auto least = std::nextafter(1.0, 0.0);
  BOOST_TEST((growing.delay(1, least) >= 75ms && growing.delay(1, least) <= 75ms + 1ns));
  BOOST_TEST((growing.delay(1, 0.5) == 87500us));
  for (double chance = 0; chance < 1; chance += 0.001)
    BOOST_TEST((growing.delay(3, chance) > 300ms && growing.delay(3, chance) <= 400ms));
}

BOOST_AUTO_TEST_CASE(full_jitter_may_take_off_all_but_nothing_more) {
  const retry_strategy growing = exponential(100ms, 1s, 2, 1);
  BOOST_TEST((growing.delay(1, std::nextafter(1.0, 0.0)) >= 0ns));
  BOOST_TEST((growing.delay(1, 0) == 100ms));
}

// -- mistakes --

BOOST_AUTO_TEST_CASE(good_strategies_have_no_mistakes) {
  BOOST_TEST(retry_strategy(fixed_delay{1, 1ns, {}}).mistakes("x").empty());
  BOOST_TEST(retry_strategy(exponential(1ns, 1ns, 1, 0)).mistakes("x").empty());
  BOOST_TEST(retry_strategy(exponential(1ns, duration::max(), 1e9, 1)).mistakes("x").empty());
}

BOOST_AUTO_TEST_CASE(each_broken_rule_is_named_with_its_value) {
  auto message = mistake(fixed_delay{0, 1ms, {}});
  BOOST_TEST((says(message, "max_attempts is 0") && says(message, "1 to 100000000")));
  message = mistake(fixed_delay{100'000'001, 1ms, {}});
  BOOST_TEST(says(message, "max_attempts is 100000001"));
  message = mistake(fixed_delay{1, 0ms, {}});
  BOOST_TEST((says(message, "delay is 0 ns") && says(message, "> 0")));
  message = mistake(fixed_delay{1, -5ns, {}});
  BOOST_TEST(says(message, "delay is -5 ns"));
  message = mistake(exponential_delay{0, 1ms, 1ms, 2, 0, {}});
  BOOST_TEST(says(message, "max_attempts"));
  message = mistake(exponential(0ms, 1ms, 2));
  BOOST_TEST(says(message, "initial is 0 ns"));
  message = mistake(exponential(2ns, 1ns, 2));
  BOOST_TEST((says(message, "max is 1 ns") && says(message, ">= initial")));
  message = mistake(exponential(1ms, 1s, 0.99));
  BOOST_TEST((says(message, "multiplier is 0.99") && says(message, ">= 1")));
  message = mistake(exponential(1ms, 1s, 2, -0.1));
  BOOST_TEST((says(message, "jitter is -0.1") && says(message, "0 to 1")));
  message = mistake(exponential(1ms, 1s, 2, 1.1));
  BOOST_TEST(says(message, "jitter is 1.1"));
}

BOOST_AUTO_TEST_CASE(numbers_that_are_none_are_mistakes) {
  constexpr auto nan = std::numeric_limits<double>::quiet_NaN();
  constexpr auto infinity = std::numeric_limits<double>::infinity();
  BOOST_TEST(says(mistake(exponential(1ms, 1s, nan)), "multiplier"));
  BOOST_TEST(says(mistake(exponential(1ms, 1s, infinity)), "multiplier"));
  BOOST_TEST(says(mistake(exponential(1ms, 1s, 2, nan)), "jitter"));
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_found_at_once) {
  const retry_strategy wrong = exponential_delay{0, 0ms, -1ms, 0, 2, {}};
  BOOST_TEST(wrong.mistakes("x").size() == 5u);
}

BOOST_AUTO_TEST_SUITE_END()
