// SPDX-License-Identifier: Apache-2.0

#include "weir/deadlines.hpp"

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <utility>
#include <vector>

namespace {

using namespace weir;

time_point at(std::int64_t ns) {
  return time_point{duration{ns}};
}

struct deadlines_fixture {
  deadlines_fixture() { timers.grow(16); }

  std::vector<slot_index> in_order() {
    std::vector<slot_index> order;
    while (timers.first() != no_slot) {
      order.push_back(timers.first());
      timers.remove(timers.first());
    }
    return order;
  }

  deadlines timers;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(deadlines_of_entries, deadlines_fixture)

BOOST_AUTO_TEST_CASE(the_earliest_comes_first) {
  BOOST_TEST(timers.first() == no_slot);
  timers.push(3, at(30));
  timers.push(1, at(10));
  timers.push(4, at(40));
  timers.push(2, at(20));
  const std::vector<slot_index> expected{1, 2, 3, 4};
  BOOST_TEST(in_order() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(equal_deadlines_come_in_the_order_in_which_they_were_added) {
  for (const slot_index slot : {5, 2, 9})
    timers.push(slot, at(10));
  const std::vector<slot_index> expected{5, 2, 9};
  BOOST_TEST(in_order() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(all_are_put_off_at_once) {
  timers.put_off(duration{5});
  timers.push(2, at(20));
  timers.push(1, at(10));
  timers.push(3, at(30));
  timers.remove(3);
  timers.put_off(duration{5});
  BOOST_TEST((timers.due(1) == at(15)));
  BOOST_TEST((timers.due(2) == at(25)));
  BOOST_TEST(!timers.contains(3));
}

BOOST_AUTO_TEST_CASE(any_deadline_can_be_taken_out) {
  for (const slot_index slot : {1, 2, 3, 4, 5})
    timers.push(slot, at(slot));
  for (const slot_index slot : {3, 1, 5})
    timers.remove(slot);
  const std::vector<slot_index> expected{2, 4};
  BOOST_TEST(in_order() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(taking_out_what_is_not_there_does_nothing) {
  timers.remove(7);
  timers.push(1, at(1));
  timers.remove(7);
  timers.remove(1);
  timers.remove(1);
  BOOST_TEST(timers.first() == no_slot);
}

BOOST_AUTO_TEST_CASE(a_slot_without_a_deadline_is_never_due) {
  BOOST_TEST(!timers.contains(1));
  BOOST_TEST((timers.due(1) == time_point::max()));
  timers.push(1, at(5));
  BOOST_TEST(timers.contains(1));
  BOOST_TEST((timers.due(1) == at(5)));
  timers.remove(1);
  BOOST_TEST(!timers.contains(1));
  BOOST_TEST((timers.due(1) == time_point::max()));
}

BOOST_AUTO_TEST_CASE(growing_keeps_what_is_there) {
  timers.push(1, at(5));
  timers.grow(100);
  timers.push(99, at(4));
  const std::vector<slot_index> expected{99, 1};
  BOOST_TEST(in_order() == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(random_deadlines_agree_with_a_multimap) {
  constexpr unsigned seed = 20'260'101;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  // By due time and order of arrival.
  std::map<std::pair<std::int64_t, int>, slot_index> model;
  std::map<slot_index, std::pair<std::int64_t, int>> keys;
  for (int step = 0; step < 20'000; ++step) {
    const auto slot = static_cast<slot_index>(random() % 16);
    if (keys.count(slot) != 0) {
      timers.remove(slot);
      model.erase(keys[slot]);
      keys.erase(slot);
    } else {
      const std::pair key{static_cast<std::int64_t>(step + random() % 50), step};
      timers.push(slot, at(key.first));
      model.emplace(key, slot);
      keys.emplace(slot, key);
    }
    const auto expected = model.empty() ? no_slot : model.begin()->second;
    BOOST_REQUIRE_MESSAGE(timers.first() == expected, "seed " << seed << ", step " << step);
  }
}

BOOST_AUTO_TEST_SUITE_END()
