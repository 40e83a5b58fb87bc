// SPDX-License-Identifier: Apache-2.0

#include "log_queue.hpp"

#include <boost/test/unit_test.hpp>

using weir::log_level;
using weir::tool::log_queue;

BOOST_AUTO_TEST_SUITE(log_queues)

BOOST_AUTO_TEST_CASE(lines_come_out_once_in_their_order_with_their_level) {
  log_queue log;
  log.add({log_level::warning, "operator origin", "it is slow"});
  log.add({log_level::info, "job", "it goes on"});
  const std::vector<std::string> expected{"warning: operator origin: it is slow", "job: it goes on"};
  BOOST_TEST(log.take() == expected, boost::test_tools::per_element());
  BOOST_TEST(log.take().empty());
}

BOOST_AUTO_TEST_CASE(what_nobody_takes_is_counted) {
  log_queue log;
  for (int n = 0; n < 142; ++n)
    log.add({log_level::error, "pool", "it fails"});
  const auto lines = log.take();
  BOOST_TEST(lines.size() == 101u);
  BOOST_TEST(lines.back() == "42 more lines were left out");
}

BOOST_AUTO_TEST_SUITE_END()
