// SPDX-License-Identifier: Apache-2.0

#include "delivery_port.hpp"

#include "../support/allocations.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>

using weir::batch;
using weir::control;
using weir::event_time;

BOOST_AUTO_TEST_SUITE(delivery_ports)

BOOST_AUTO_TEST_CASE(memory_of_a_message_with_very_many_results_is_given_back) {
  int results = 0;
  int dead_letters = 0;
  weir::typed_delivery<int> to_results{[&](int&&, const weir::record_facts&) { ++results; }};
  weir::typed_delivery<int> to_dead_letters{[&](int&&, const weir::record_facts&) { ++dead_letters; }};
  weir::delivery_port port{std::make_unique<batch<int>>(), &to_results, {}};
  weir::dead_letter_port beside{std::make_unique<batch<int>>(), to_dead_letters, port};

  const auto before = weir::testing::allocated_bytes();
  // GIVEN a message with very many of both
  for (int i = 0; i < 100'000; ++i) {
    port.emit(i, event_time{i}, {});
    beside.emit(i, event_time{i}, {});
  }
  BOOST_TEST(weir::testing::allocated_bytes() - before > 1'000'000);
  // WHEN they are given
  port.run_steps();
  BOOST_TEST(results == 100'000);
  BOOST_TEST(dead_letters == 100'000);
  // THEN nothing is kept for them
  BOOST_TEST(weir::testing::allocated_bytes() - before < 10'000);
}

BOOST_AUTO_TEST_SUITE_END()
