// SPDX-License-Identifier: Apache-2.0

// What the restart strategies say to one failure after the other.

#include "weir/restart_strategy.hpp"

#include <boost/test/unit_test.hpp>

using namespace std::chrono_literals;
using namespace weir;

namespace {

constexpr time_point begin{1h};

std::string text(const restart_strategy& of) {
  std::string lines;
  for (const auto& each : of.broken().errors("flights", "restart."))
    lines += each.text() + "\n";
  return lines;
}

/// The waits before restarts, in ms, of failures that follow each other at once; "final" ends them.
std::string waits(restart_decision& of, int failures, time_point now = begin) {
  std::string line;
  for (int i = 0; i < failures; ++i) {
    const auto wait = of.after_failure(now);
    line += (i == 0 ? "" : " ") + (wait ? std::to_string(*wait / 1ms) : "final");
    now += 1ms;
  }
  return line;
}

} // namespace

BOOST_AUTO_TEST_SUITE(restart)

BOOST_AUTO_TEST_CASE(without_a_strategy_the_first_failure_is_final) {
  const restart_strategy none;
  BOOST_TEST(!none.enabled());
  BOOST_TEST(text(none) == "");
  restart_decision of{none};
  BOOST_TEST(waits(of, 1) == "final");
  BOOST_TEST(of.restarts() == 0u);
}

BOOST_AUTO_TEST_CASE(a_fixed_delay_is_the_same_each_time_until_there_were_enough) {
  restart_decision of{fixed_delay_restart{.max_restarts = 3, .delay = 20ms}};
  BOOST_TEST(waits(of, 5) == "20 20 20 final final");
  BOOST_TEST(of.restarts() == 3u);
}

BOOST_AUTO_TEST_CASE(with_a_fixed_delay_restarts_count_over_checkpoints) {
  restart_decision of{fixed_delay_restart{.max_restarts = 2, .delay = 20ms}};
  BOOST_TEST(waits(of, 1) == "20");
  of.checkpoint_completed();
  BOOST_TEST(waits(of, 2) == "20 final");
}

BOOST_AUTO_TEST_CASE(an_exponential_delay_grows_up_to_its_greatest) {
  restart_decision of{exponential_delay_restart{
    .initial = 100ms, .max = 1s, .multiplier = 2, .max_restarts = 6}};
  BOOST_TEST(waits(of, 7) == "100 200 400 800 1000 1000 final");
}

BOOST_AUTO_TEST_CASE(an_exponential_delay_begins_again_behind_a_checkpoint) {
  restart_decision of{exponential_delay_restart{.initial = 100ms, .max = 1s, .max_restarts = 3}};
  BOOST_TEST(waits(of, 3) == "100 200 400");
  of.checkpoint_completed();
  BOOST_TEST(waits(of, 4) == "100 200 400 final");
  BOOST_TEST(of.restarts() == 6u);
}

BOOST_AUTO_TEST_CASE(the_defaults_are_ten_restarts_up_to_a_minute_apart) {
  restart_decision of{exponential_delay_restart{}};
  BOOST_TEST(waits(of, 11) == "1000 2000 4000 8000 16000 32000 60000 60000 60000 60000 final");
  for (const restart_strategy& each :
       {restart_strategy{fixed_delay_restart{}}, restart_strategy{exponential_delay_restart{}},
        restart_strategy{failure_rate_restart{}}}) {
    BOOST_TEST(each.enabled());
    BOOST_TEST(text(each) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_failure_rate_bears_so_many_in_any_stretch_of_its_length) {
  restart_decision of{failure_rate_restart{.failures = 2, .per = 10s, .delay = 5ms}};
  const auto fails_at = [&](duration at) { return of.after_failure(begin + at).has_value(); };
  BOOST_TEST(fails_at(0s));
  BOOST_TEST(fails_at(6s));
  // The first is just old enough.
  BOOST_TEST(fails_at(10s));
  BOOST_TEST(fails_at(16s));
  BOOST_TEST(!fails_at(19s));
  BOOST_TEST(of.restarts() == 4u);
}

BOOST_AUTO_TEST_CASE(a_failure_rate_does_not_care_for_checkpoints) {
  restart_decision of{failure_rate_restart{.failures = 1, .per = 10s, .delay = 0ms}};
  BOOST_TEST(waits(of, 1) == "0");
  of.checkpoint_completed();
  BOOST_TEST(waits(of, 1, begin + 9s) == "final");
}

BOOST_AUTO_TEST_CASE(how_many_there_were_and_may_be_can_be_told) {
  restart_decision fixed{fixed_delay_restart{.max_restarts = 3}};
  waits(fixed, 2);
  BOOST_TEST(fixed.count_text() == "2 of 3");
  fixed.checkpoint_completed();
  waits(fixed, 1);
  BOOST_TEST(fixed.count_text() == "3 of 3");
  restart_decision exponential{exponential_delay_restart{}};
  waits(exponential, 2);
  BOOST_TEST(exponential.count_text() == "2 of 10");
  exponential.checkpoint_completed();
  waits(exponential, 1);
  BOOST_TEST(exponential.count_text() == "1 of 10");
  restart_decision rate{failure_rate_restart{.failures = 5}};
  waits(rate, 4);
  BOOST_TEST(rate.count_text() == "4");
}

BOOST_AUTO_TEST_CASE(a_year_without_failures_restarts_all_the_same) {
  restart_decision of{failure_rate_restart{.failures = 1, .per = 1s}};
  for (int year = 0; year < 100; ++year)
    BOOST_TEST(of.after_failure(begin + year * 24h * 365).has_value());
}

BOOST_AUTO_TEST_CASE(every_rule_that_is_broken_is_named) {
  BOOST_TEST(text(fixed_delay_restart{.max_restarts = 0, .delay = -1ns})
             == "flights: restart.max_restarts is 0 but must be > 0 (argument)\n"
                "flights: restart.delay is -1 ns but must be >= 0 (argument)\n");
  BOOST_TEST(text(exponential_delay_restart{
               .initial = 0ns, .max = -1ns, .multiplier = 0.5, .max_restarts = 0})
             == "flights: restart.initial is 0 ns but must be > 0 (argument)\n"
                "flights: restart.max is -1 ns but must be >= initial (argument)\n"
                "flights: restart.multiplier is 0.500000 but must be >= 1 (argument)\n"
                "flights: restart.max_restarts is 0 but must be > 0 (argument)\n");
  BOOST_TEST(text(failure_rate_restart{.failures = 0, .per = 0ns, .delay = -1ns})
             == "flights: restart.failures is 0 but must be 1 to 1000 (argument)\n"
                "flights: restart.per is 0 ns but must be > 0 (argument)\n"
                "flights: restart.delay is -1 ns but must be >= 0 (argument)\n");
  BOOST_TEST(text(failure_rate_restart{.failures = 1001})
             == "flights: restart.failures is 1001 but must be 1 to 1000 (argument)\n");
}

BOOST_AUTO_TEST_SUITE_END()
