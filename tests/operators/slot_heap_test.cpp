// SPDX-License-Identifier: Apache-2.0

#include "weir/slot_heap.hpp"

#include "weir/time.hpp"

#include <boost/test/unit_test.hpp>

#include <optional>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace {

using namespace weir;

slot_heap<time_point>::key by(std::int64_t due, std::uint64_t arrival) {
  return {time_point{duration{due}}, arrival};
}

} // namespace

BOOST_AUTO_TEST_SUITE(slot_heaps)

BOOST_AUTO_TEST_CASE(slots_come_by_time_then_by_arrival) {
  slot_heap<time_point> heap;
  heap.grow(8);
  heap.push(0, by(5, 2));
  heap.push(1, by(5, 1));
  heap.push(2, by(4, 9));
  heap.push(3, by(6, 0));
  std::vector<slot_index> order;
  for (; !heap.empty(); heap.pop())
    order.push_back(heap.first());
  const std::vector<slot_index> expected{2, 1, 0, 3};
  BOOST_TEST(order == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(taking_out_what_is_not_there_does_nothing) {
  slot_heap<time_point> heap;
  heap.grow(8);
  heap.remove(3);
  heap.push(1, by(1, 1));
  heap.remove(3);
  BOOST_TEST(heap.size() == 1u);
  BOOST_TEST(heap.contains(1));
  BOOST_TEST(!heap.contains(3));
}

BOOST_AUTO_TEST_CASE(all_are_put_off_at_once) {
  slot_heap<time_point> heap;
  heap.grow(8);
  heap.push(0, by(5, 2));
  heap.push(1, by(4, 9));
  heap.put_off(duration{10});
  BOOST_TEST(heap.first() == 1u);
  BOOST_TEST((heap.key_of(1) == by(14, 9)));
  BOOST_TEST((heap.key_of(0) == by(15, 2)));
}

BOOST_AUTO_TEST_CASE(growing_keeps_what_is_there) {
  slot_heap<time_point> heap;
  heap.grow(2);
  heap.push(1, by(1, 1));
  heap.grow(300);
  BOOST_TEST(!heap.contains(299));
  heap.push(299, by(0, 2));
  BOOST_TEST(heap.first() == 299u);
  BOOST_TEST(heap.contains(1));
}

BOOST_AUTO_TEST_CASE(random_pushes_and_removals_agree_with_a_set) {
  constexpr unsigned seed = 20'260'102;
  BOOST_TEST_MESSAGE("seed " << seed);
  std::mt19937 random{seed};
  constexpr std::uint32_t slots = 64;
  slot_heap<time_point> heap;
  heap.grow(slots);
  std::set<std::pair<slot_heap<time_point>::key, slot_index>> model;
  std::vector<std::optional<slot_heap<time_point>::key>> keys(slots);
  for (std::uint64_t step = 0; step < 50'000; ++step) {
    const auto slot = static_cast<slot_index>(random() % slots);
    if (keys[slot]) {
      heap.remove(slot);
      model.erase({*keys[slot], slot});
      keys[slot].reset();
    } else {
      // Waves of filling and emptying: few distinct times, so that arrivals decide.
      const auto key = by(static_cast<std::int64_t>(random() % 10), step);
      heap.push(slot, key);
      model.insert({key, slot});
      keys[slot] = key;
    }
    if (random() % 7 == 0 && !model.empty()) {
      keys[model.begin()->second].reset();
      model.erase(model.begin());
      heap.pop();
    }
    BOOST_REQUIRE_MESSAGE(heap.size() == model.size(), "seed " << seed << ", step " << step);
    BOOST_REQUIRE(heap.empty() == model.empty());
    BOOST_REQUIRE(heap.contains(slot) == keys[slot].has_value());
    if (model.empty())
      continue;
    BOOST_REQUIRE_MESSAGE(heap.first() == model.begin()->second,
                          "seed " << seed << ", step " << step);
    BOOST_REQUIRE((heap.first_key() == model.begin()->first));
  }
}

BOOST_AUTO_TEST_SUITE_END()
