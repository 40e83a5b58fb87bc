// SPDX-License-Identifier: Apache-2.0

// The order of arrival, against a sort that nobody doubts.

#include "weir/arrival_order.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

using weir::arrival_order;
using weir::slot_index;

namespace {

using place = arrival_order::place;

std::vector<slot_index> slots_of(std::span<const place> places) {
  std::vector<slot_index> slots;
  for (const auto& each : places)
    slots.push_back(each.slot);
  return slots;
}

void check(arrival_order& order, std::vector<place> given) {
  order.clear();
  for (const auto& each : given)
    order.add(each.arrival, each.slot);
  const auto found = order.in_order();
  std::stable_sort(given.begin(), given.end(),
                   [](const place& a, const place& b) { return a.arrival < b.arrival; });
  BOOST_REQUIRE_EQUAL(found.size(), given.size());
  BOOST_REQUIRE((slots_of(found) == slots_of(given)));
  BOOST_REQUIRE(std::equal(found.begin(), found.end(), given.begin(),
                           [](const place& a, const place& b) { return a.arrival == b.arrival; }));
}

} // namespace

BOOST_AUTO_TEST_SUITE(order_of_arrival)

BOOST_AUTO_TEST_CASE(of_nothing_and_of_one_there_is_one_order) {
  arrival_order order;
  BOOST_TEST(order.in_order().empty());
  check(order, {{7, 3}});
}

BOOST_AUTO_TEST_CASE(numbers_that_lie_as_far_apart_as_they_can_are_put_in_order) {
  arrival_order order;
  for (const std::size_t more : {0, 5'000}) {
    std::vector<place> given{{UINT64_MAX, 0}, {0, 1}, {UINT64_MAX / 2, 2}};
    for (std::size_t i = 0; i < more; ++i)
      given.push_back({(UINT64_MAX - 1) / more * (more - i), static_cast<slot_index>(3 + i)});
    check(order, given);
  }
}

// A queue's numbers: a window of those given lately, in slots that are used again and again, with some that
// have been there for long. Small ones and great ones follow each other in one object.
BOOST_AUTO_TEST_CASE(whatever_slots_entries_have_they_come_in_the_order_of_their_numbers) {
  arrival_order order;
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    BOOST_TEST_CONTEXT("seed " << seed) {
      std::mt19937_64 chance{seed};
      const std::size_t count = seed % 20 == 0 ? 513 + chance() % 3'000 : chance() % 600;
      const auto base = chance() >> chance() % 64;
      std::vector<place> given;
      auto number = base;
      for (std::size_t i = 0; i < count; ++i) {
        number += 1 + (chance() % 50 == 0 ? chance() >> (20 + chance() % 44) : chance() % 3);
        given.push_back({number, static_cast<slot_index>(i)});
      }
      // Numbers may have run over; then they are no queue's.
      if (number < base)
        continue;
      std::shuffle(given.begin(), given.end(), chance);
      check(order, given);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
