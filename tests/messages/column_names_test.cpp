// SPDX-License-Identifier: Apache-2.0

#include "weir/column_names.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

using weir::column_names;

BOOST_AUTO_TEST_SUITE(names_of_columns)

BOOST_AUTO_TEST_CASE(equal_lists_are_one) {
  const auto one = column_names::of({"name", "lat"});
  BOOST_TEST((one == column_names::of({"name", "lat"})));
  BOOST_TEST((one != column_names::of({"lat", "name"})));
  BOOST_TEST(one.size() == 2u);
  BOOST_TEST(one[1] == "lat");
}

BOOST_AUTO_TEST_CASE(no_names_are_one_list_too) {
  const column_names none;
  BOOST_TEST(none.empty());
  BOOST_TEST((none == column_names::of({})));
  BOOST_TEST((none.begin() == none.end()));
}

BOOST_AUTO_TEST_CASE(threads_that_ask_at_once_get_the_same) {
  std::vector<column_names> got(4);
  {
    std::vector<std::jthread> threads;
    for (auto& each : got)
      threads.emplace_back([&each] {
        for (int i = 0; i < 1000; ++i)
          each = column_names::of({"column " + std::to_string(i)});
      });
  }
  BOOST_TEST((std::count(got.begin(), got.end(), column_names::of({"column 999"})) == 4));
}

BOOST_AUTO_TEST_SUITE_END()
