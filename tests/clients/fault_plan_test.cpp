// SPDX-License-Identifier: Apache-2.0

#include "weir/fault_plan.hpp"

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace weir::testing {

namespace {

std::vector<fault_plan::decision> decide(const fault_settings& settings, int calls) {
  fault_plan plan{settings};
  std::vector<fault_plan::decision> all;
  for (int i = 0; i < calls; ++i)
    all.push_back(plan.next());
  return all;
}

double share(const std::vector<fault_plan::decision>& all, fault_plan::fate what) {
  double count = 0;
  for (const auto& d : all)
    count += d.what == what ? 1 : 0;
  return count / static_cast<double>(all.size());
}

std::string rule_broken_by(const fault_settings& settings) {
  const auto good = check(settings, "airports");
  if (good)
    return "none";
  BOOST_TEST(good.why().is(error_kind::argument));
  BOOST_TEST(good.why().thing() == "airports");
  return good.why().message();
}

} // namespace

BOOST_AUTO_TEST_SUITE(fault_plans)

BOOST_AUTO_TEST_CASE(without_settings_every_call_passes_at_once) {
  for (const auto& d : decide({}, 1000)) {
    BOOST_TEST((d.what == fault_plan::fate::pass));
    BOOST_TEST((d.latency == 0ns));
  }
}

BOOST_AUTO_TEST_CASE(latencies_are_uniform_between_their_bounds) {
  const auto all = decide({.latency_min = 1ms, .latency_max = 20ms, .seed = 7}, 100'000);
  double sum = 0;
  auto least = duration::max();
  auto greatest = duration::zero();
  for (const auto& d : all) {
    least = std::min(least, d.latency);
    greatest = std::max(greatest, d.latency);
    sum += static_cast<double>(d.latency.count());
  }
  BOOST_TEST((least >= 1ms && least < 1'010us));
  BOOST_TEST((greatest <= 20ms && greatest > 19'990us));
  BOOST_TEST(std::abs(sum / 1e5 - 10.5e6) < 0.1e6);
}

BOOST_AUTO_TEST_CASE(equal_bounds_give_that_latency) {
  for (const auto& d : decide({.latency_min = 5ms, .latency_max = 5ms}, 1000))
    BOOST_TEST((d.latency == 5ms));
}

BOOST_AUTO_TEST_CASE(errors_and_hangs_come_in_their_shares) {
  const auto all = decide({.errors = 0.1, .hangs = 0.02, .seed = 3}, 100'000);
  BOOST_TEST(std::abs(share(all, fault_plan::fate::fail) - 0.1) < 0.005);
  BOOST_TEST(std::abs(share(all, fault_plan::fate::hang) - 0.02) < 0.003);
}

BOOST_AUTO_TEST_CASE(a_share_of_one_is_every_call) {
  BOOST_TEST(share(decide({.errors = 1}, 10'000), fault_plan::fate::fail) == 1);
  BOOST_TEST(share(decide({.hangs = 1}, 10'000), fault_plan::fate::hang) == 1);
}

BOOST_AUTO_TEST_CASE(the_same_seed_decides_the_same_and_another_one_does_not) {
  const fault_settings settings{.latency_max = 1s, .errors = 0.5, .seed = 11};
  auto other = settings;
  other.seed = 12;
  const auto first = decide(settings, 100), again = decide(settings, 100),
             different = decide(other, 100);
  std::size_t same = 0;
  for (std::size_t i = 0; i < 100; ++i) {
    BOOST_TEST((first[i].what == again[i].what));
    BOOST_TEST((first[i].latency == again[i].latency));
    same += first[i].latency == different[i].latency ? 1 : 0;
  }
  BOOST_TEST(same < 5);
}

BOOST_AUTO_TEST_CASE(another_share_of_errors_leaves_the_latencies_as_they_were) {
  const auto few = decide({.latency_max = 1s, .errors = 0.01}, 100);
  const auto many = decide({.latency_max = 1s, .errors = 0.9}, 100);
  for (std::size_t i = 0; i < 100; ++i)
    BOOST_TEST((few[i].latency == many[i].latency));
}

BOOST_AUTO_TEST_CASE(each_rule_is_checked) {
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  BOOST_TEST(rule_broken_by({}) == "none");
  BOOST_TEST(rule_broken_by({.errors = 0.5, .hangs = 0.5}) == "none");
  BOOST_TEST(rule_broken_by({.latency_min = -1ns}) == "faults: latency must not be negative");
  BOOST_TEST(rule_broken_by({.latency_min = 2ms, .latency_max = 1ms})
             == "faults: the greatest latency must not be less than the least");
  BOOST_TEST(rule_broken_by({.errors = 1.5})
             == "faults: errors is 1.500000, but must be from 0 to 1");
  BOOST_TEST(rule_broken_by({.errors = -0.5})
             == "faults: errors is -0.500000, but must be from 0 to 1");
  BOOST_TEST(rule_broken_by({.errors = nan}) != "none");
  BOOST_TEST(rule_broken_by({.hangs = 2}) == "faults: hangs is 2.000000, but must be from 0 to 1");
  BOOST_TEST(rule_broken_by({.hangs = nan}) != "none");
  BOOST_TEST(rule_broken_by({.errors = 0.6, .hangs = 0.6})
             == "faults: errors and hangs are together more than 1");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
