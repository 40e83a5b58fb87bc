// SPDX-License-Identifier: Apache-2.0

#include "weir/operator_options.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace weir;
using namespace std::chrono_literals;

struct options_fixture {
  options_fixture() {
    options.name = "lookup";
    options.timeout = 1s;
  }

  /// The only mistake's message; it must name the operator.
  std::string mistake() const {
    const auto found = options.mistakes();
    BOOST_REQUIRE_EQUAL(found.size(), 1u);
    BOOST_TEST(found.front().is(error_kind::argument));
    BOOST_TEST(found.front().thing() == "operator lookup");
    return found.front().message();
  }

  bool says(std::string_view what) const { return mistake().find(what) != std::string::npos; }

  static failure_action action(const operator_options& of, std::string_view kind) {
    return of.action_for({kind, "service", ""});
  }

  operator_options options;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(options_of_operators, options_fixture)

BOOST_AUTO_TEST_CASE(the_defaults_are_documented_ones) {
  BOOST_TEST(options.mistakes().empty());
  BOOST_TEST(options.capacity == 100u);
  BOOST_TEST(options.capacity_bytes == 64u * 1024 * 1024);
  BOOST_TEST(!options.max_concurrent_calls.has_value());
  BOOST_TEST(!options.retry.enabled());
  BOOST_TEST((options.on_failure == failure_action::fail_job));
}

BOOST_AUTO_TEST_CASE(a_name_is_required) {
  options.name.clear();
  const auto found = options.mistakes();
  BOOST_REQUIRE_EQUAL(found.size(), 1u);
  BOOST_TEST(found.front().message().find("name") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_timeout_must_be_given) {
  options.timeout.reset();
  BOOST_TEST(says("timeout is not given"));
}

BOOST_AUTO_TEST_CASE(a_timeout_of_0_is_none_and_a_shorter_one_is_wrong) {
  options.timeout = 0s;
  BOOST_TEST(options.mistakes().empty());
  options.timeout = 1ns;
  BOOST_TEST(options.mistakes().empty());
  options.timeout = -1ns;
  BOOST_TEST(says("timeout is -1 ns"));
}

BOOST_AUTO_TEST_CASE(a_retry_strategy_needs_a_timeout) {
  options.retry = fixed_delay{1, 1ms, any_error()};
  BOOST_TEST(options.mistakes().empty());
  options.timeout = 0s;
  BOOST_TEST(says("timeout is 0"));
}

BOOST_AUTO_TEST_CASE(capacity_is_1_to_the_greatest_32_bit_integer) {
  options.capacity = 0;
  BOOST_TEST(says("capacity is 0"));
  options.capacity = 2147483647;
  BOOST_TEST(options.mistakes().empty());
  options.capacity = 2147483648;
  BOOST_TEST(says("capacity is 2147483648"));
}

BOOST_AUTO_TEST_CASE(capacity_in_bytes_is_at_least_1) {
  options.capacity_bytes = 1;
  BOOST_TEST(options.mistakes().empty());
  options.capacity_bytes = 0;
  BOOST_TEST(says("capacity_bytes is 0"));
}

BOOST_AUTO_TEST_CASE(the_bound_on_blocking_is_not_negative) {
  BOOST_TEST((options.blocking_warning == 10ms));
  options.blocking_warning = 0ms;
  BOOST_TEST(options.mistakes().empty());
  options.blocking_warning = -1ms;
  BOOST_TEST(says("blocking_warning is -1000000 ns"));
}

BOOST_AUTO_TEST_CASE(there_are_no_more_calls_than_capacity) {
  options.capacity = 5;
  options.max_concurrent_calls = 5;
  BOOST_TEST(options.mistakes().empty());
  options.max_concurrent_calls = 6;
  BOOST_TEST(says("max_concurrent_calls is 6"));
  options.max_concurrent_calls = 0;
  BOOST_TEST(says("max_concurrent_calls is 0"));
}

BOOST_AUTO_TEST_CASE(mistakes_of_the_retry_strategy_are_among_them) {
  options.retry = fixed_delay{0, 1ms, any_error()};
  BOOST_TEST(says("retry.max_attempts"));
}

BOOST_AUTO_TEST_CASE(all_mistakes_are_found_at_once) {
  options.timeout.reset();
  options.capacity = 0;
  options.capacity_bytes = 0;
  options.max_concurrent_calls = 1;
  BOOST_TEST(options.mistakes().size() == 4u);
}

BOOST_AUTO_TEST_CASE(the_first_rule_that_fits_decides_what_a_failure_does) {
  options.on_failure = failure_action::dead_letter;
  options.failure_rules = {{"io", failure_action::drop}, {"io", failure_action::fail_job}};
  BOOST_TEST((action(options, "io") == failure_action::drop));
  BOOST_TEST((action(options, "iop") == failure_action::dead_letter));
}

BOOST_AUTO_TEST_CASE(a_rule_alone_may_make_dead_letters) {
  BOOST_TEST(!options.makes_dead_letters());
  options.failure_rules = {{"io", failure_action::drop}};
  BOOST_TEST(!options.makes_dead_letters());
  options.failure_rules.push_back({"busy", failure_action::dead_letter});
  BOOST_TEST(options.makes_dead_letters());
  options.failure_rules.clear();
  options.on_failure = failure_action::dead_letter;
  BOOST_TEST(options.makes_dead_letters());
}

BOOST_AUTO_TEST_SUITE_END()
