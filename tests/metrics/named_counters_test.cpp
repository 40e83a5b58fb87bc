// SPDX-License-Identifier: Apache-2.0

#include "weir/named_counters.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <thread>

namespace {

std::map<std::string, std::uint64_t> all_of(const weir::named_counters& of) {
  std::map<std::string, std::uint64_t> all;
  of.read([&](const std::string& name, std::uint64_t count) { all.emplace(name, count); });
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(named_counters)

BOOST_AUTO_TEST_CASE(a_name_is_one_counter) {
  weir::named_counters counts;
  counts.find("hits").add(2);
  counts.find("misses").add(1);
  counts.find("hits").add(3);
  BOOST_TEST((all_of(counts) == std::map<std::string, std::uint64_t>{{"hits", 5}, {"misses", 1}}));
  BOOST_TEST(counts.size() == 2u);
  BOOST_TEST(counts.contains("hits"));
  BOOST_TEST(!counts.contains("hit"));
}

BOOST_AUTO_TEST_CASE(a_counter_stays_where_it_is_while_others_come) {
  weir::named_counters counts;
  auto& first = counts.find("first");
  for (int i = 0; i < 50; ++i)
    counts.find("n" + std::to_string(i));
  BOOST_TEST(&counts.find("first") == &first);
}

BOOST_AUTO_TEST_CASE(another_thread_reads_while_counters_come_and_count) {
  weir::named_counters counts;
  std::atomic<bool> over{false};
  std::thread reader{[&] {
    std::map<std::string, std::uint64_t> before;
    while (!over) {
      auto now = all_of(counts);
      for (const auto& [name, count] : before)
        if (now[name] < count)
          BOOST_ERROR(name + " went back");
      before = std::move(now);
    }
  }};
  for (int round = 0; round < 1000; ++round)
    counts.find("n" + std::to_string(round % 50)).add(1);
  over = true;
  reader.join();
  BOOST_TEST(all_of(counts).size() == 50u);
  BOOST_TEST(all_of(counts)["n7"] == 20u);
}

BOOST_AUTO_TEST_SUITE_END()
