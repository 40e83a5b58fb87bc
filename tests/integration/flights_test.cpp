// SPDX-License-Identifier: Apache-2.0
//
// The main job against a join that SQLite makes by itself, under every setting that must not change
// what comes out.

#include "flights_fixture.hpp"

#include "../support/started_server.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <limits>
#include <map>

namespace {

constexpr const char* faults = "latency = \"1ms..20ms\"\nerrors = 0.01\nseed = 7";

/// Every line is the one that the join has at its place.
void require_sequence(const flights_fixture& job, const std::vector<std::string>& lines) {
  const auto& expected = job.expected();
  BOOST_REQUIRE_EQUAL(expected.size(), 20'000u);
  BOOST_REQUIRE_EQUAL(lines.size(), expected.size());
  for (std::size_t i = 0; i < lines.size(); ++i)
    BOOST_REQUIRE_EQUAL(flights_fixture::difference(lines[i], expected[i]), "");
}

/// Every line of the join is there as often as the join has it.
void require_set(const flights_fixture& job, const std::vector<std::string>& lines) {
  const auto& expected = job.expected();
  BOOST_REQUIRE_EQUAL(lines.size(), expected.size());
  std::map<std::string, const flights_fixture::expected_line*> by_flight;
  std::map<std::string, int> owed;
  for (const auto& each : expected) {
    by_flight[each.flight] = &each;
    ++owed[each.flight];
  }
  for (const auto& line : lines) {
    const auto flight = line.substr(0, line.find(",\"origin_airport\""));
    BOOST_REQUIRE_MESSAGE(by_flight.count(flight) == 1, "not a flight: " + line);
    BOOST_REQUIRE_EQUAL(flights_fixture::difference(line, *by_flight[flight]), "");
    BOOST_REQUIRE_MESSAGE(--owed[flight] >= 0, "too often: " + line);
  }
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(flights, flights_fixture)

BOOST_AUTO_TEST_CASE(the_job_gives_what_a_join_gives_in_order) {
  const auto ran = run({});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_sequence(*this, output());
}

BOOST_AUTO_TEST_CASE(a_table_in_memory_gives_the_same) {
  const auto ran = run({.store = airports_in_memory()});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_sequence(*this, output());
}

BOOST_AUTO_TEST_CASE(a_redis_server_gives_the_same) {
  const weir::testing::redis_server server;
  for (const bool together : {true, false}) {
    auto store = airports_in_redis(server.socket());
    store.question += together ? "" : "\nbatch = false";
    const auto ran = run({.store = store});
    BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
    require_sequence(*this, output());
  }
}

BOOST_AUTO_TEST_CASE(faults_change_nothing_in_the_ordered_output) {
  const auto ran = run({.faults = faults});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_sequence(*this, output());
}

BOOST_AUTO_TEST_CASE(unordered_gives_the_same_lines_each_once) {
  const auto ran = run({.mode = "unordered"});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_set(*this, output());
}

BOOST_AUTO_TEST_CASE(unordered_with_faults_gives_the_same_lines_each_once) {
  const auto ran = run({.mode = "unordered", .faults = faults});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_set(*this, output());
}

BOOST_AUTO_TEST_CASE(parallelism_2_gives_the_same_lines_each_once) {
  const auto ran = run({.parallelism = 2});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_set(*this, output());
}

BOOST_AUTO_TEST_CASE(parallelism_2_unordered_with_faults_gives_the_same_lines_each_once) {
  const auto ran = run({.mode = "unordered", .parallelism = 2, .faults = faults});
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  require_set(*this, output());
}

#if !defined(WEIR_SANITIZED) // which takes time of its own

BOOST_AUTO_TEST_CASE(the_job_takes_less_than_a_second) {
  // Whatever else runs on the machine may hold up one run, and hardly each of three.
  auto fastest = std::numeric_limits<double>::max();
  for (int attempt = 0; attempt < 3 && fastest >= 1; ++attempt) {
    const auto ran = run({});
    BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
    BOOST_TEST_MESSAGE("20,000 flights: " << ran.seconds << " s");
    fastest = std::min(fastest, ran.seconds);
  }
  BOOST_TEST(fastest < 1);
}

#endif

#if !defined(__SANITIZE_ADDRESS__) // which needs memory of its own

BOOST_AUTO_TEST_CASE(a_file_50_times_as_long_stays_within_64_mib) {
  const auto ran = run({}, 50);
  BOOST_REQUIRE_MESSAGE(ran.exit_code == 0, ran.said);
  BOOST_TEST_MESSAGE("1,000,000 flights: " << ran.peak_rss_kib / 1024 << " MiB, " << ran.seconds
                                           << " s");
  BOOST_TEST(output().size() == 1'000'000u);
  BOOST_TEST(ran.peak_rss_kib <= 64u * 1024u);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
