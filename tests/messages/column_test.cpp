// SPDX-License-Identifier: Apache-2.0

#include "weir/column.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <utility>

using weir::column;

BOOST_AUTO_TEST_SUITE(columns)

BOOST_AUTO_TEST_CASE(it_grows_and_keeps_what_is_in_it) {
  column<std::unique_ptr<int>> all;
  for (int i = 0; i < 1000; ++i)
    all.push_back(std::make_unique<int>(i));
  BOOST_REQUIRE_EQUAL(all.size(), 1000u);
  for (int i = 0; i < 1000; ++i)
    BOOST_TEST(*all[static_cast<std::size_t>(i)] == i);
}

BOOST_AUTO_TEST_CASE(clear_destroys_what_is_in_it_and_keeps_the_memory) {
  const auto counted = std::make_shared<int>(1);
  column<std::shared_ptr<int>> all;
  for (int i = 0; i < 20; ++i)
    all.push_back(counted);
  const auto* const first = all.begin();
  BOOST_TEST(counted.use_count() == 21);
  all.clear();
  BOOST_TEST(counted.use_count() == 1);
  BOOST_TEST(all.empty());
  all.push_back(counted);
  BOOST_TEST(all.begin() == first);
  all.pop_back();
  BOOST_TEST(counted.use_count() == 1);
}

BOOST_AUTO_TEST_CASE(an_element_of_its_own_can_be_put_behind_it) {
  column<std::string> all;
  all.push_back("a text that is too long to lie inside");
  for (int i = 0; i < 40; ++i)
    all.push_back(all[0]);
  BOOST_TEST(all.back() == all[0]);
}

BOOST_AUTO_TEST_CASE(moving_takes_all) {
  column<std::string> from;
  from.push_back("x");
  column<std::string> to{std::move(from)};
  BOOST_TEST(to.size() == 1u);
  column<std::string> other;
  other = std::move(to);
  BOOST_TEST(other[0] == "x");
}

BOOST_AUTO_TEST_SUITE_END()
