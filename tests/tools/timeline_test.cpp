// SPDX-License-Identifier: Apache-2.0

// How timelines are laid out; tests/data/timelines shows whole ones.

#include "scenario_reader.hpp"
#include "timeline.hpp"

#include <boost/test/unit_test.hpp>

#include <sstream>

namespace {

using namespace weir::simulation;
using namespace weir::tool;

std::string drawn(const scenario& of) {
  std::vector<happening> log;
  BOOST_REQUIRE(simulate(of, {.log = &log}));
  return timeline_text(of, log);
}

std::string drawn(const std::string& settings, const std::string& input,
                  const std::string& service = "{}") {
  const auto read = parse_scenarios(R"({"name": "t", "operator": )" + settings + ", \"input\": [" + input
                                      + "], \"service\": " + service + "}",
                                    "f");
  BOOST_REQUIRE(read.all.size() == 1u);
  return drawn(read.all.front().what);
}

std::size_t longest_line(const std::string& text) {
  std::istringstream lines{text};
  std::size_t most = 0;
  for (std::string line; std::getline(lines, line);)
    most = std::max(most, line.size());
  return most;
}

} // namespace

BOOST_AUTO_TEST_SUITE(timelines)

BOOST_AUTO_TEST_CASE(each_time_has_a_group_however_long_it_lasts) {
  BOOST_TEST(drawn(R"({"mode": "ordered"})", R"({"at": 5, "record": 1}, {"at": 6, "watermark": 3})",
                   R"({"1": [{"after": 100000}]})")
             == "t: ordered, capacity 100, no timeout\n"
                "  ms           5      6      100005\n"
                "  record 1     1=============o>       answered at 100005, left at once\n"
                "  watermark 3         ------->        waited for record 1, left at 100005\n");
}

BOOST_AUTO_TEST_CASE(what_was_not_waited_for_is_not_said) {
  BOOST_TEST(drawn(R"({"mode": "unordered"})", R"({"at": 5, "watermark": 3}, {"at": 6, "record": 1})",
                   R"({"1": [{"after": 0, "emit": []}]})")
             == "t: unordered, capacity 100, no timeout\n"
                "  ms           5   6\n"
                "  watermark 3  >         nothing before it: left at 5\n"
                "  record 1         1o|   answered at 6, left without results at once\n");
}

BOOST_AUTO_TEST_CASE(elements_behind_a_failure_have_no_row) {
  BOOST_TEST(drawn(R"({"mode": "ordered"})", R"({"at": 0, "record": 1}, {"at": 9, "record": 2})",
                   R"({"1": [{"error": "io"}]})")
             == "t: ordered, capacity 100, no timeout\n"
                "  ms        0  1\n"
                "  record 1  1==x!   failed at 1, which fails the job\n");
}

BOOST_AUTO_TEST_CASE(an_empty_scenario_has_a_heading_alone) {
  BOOST_TEST(drawn(R"({"mode": "ordered"})", "") == "t: ordered, capacity 100, no timeout\n");
}

BOOST_AUTO_TEST_CASE(no_page_is_wider_than_100_columns) {
  std::string input = R"({"at": 0, "record": 4611686018427387903})";
  for (int i = 1; i < 60; ++i)
    input += R"(, {"at": )" + std::to_string(i * 100'000) + R"(, "record": )" + std::to_string(-i) + "}";
  const auto text = drawn(R"({"mode": "ordered", "capacity": 3})", input,
                          R"({"4611686018427387903": [{"after": 999999999, "emit": []}]})");
  BOOST_TEST(longest_line(text) <= 100u);
  BOOST_TEST(text.find("  page 2 of ") != text.npos);
}

BOOST_AUTO_TEST_CASE(every_recorded_scenario_can_be_drawn) {
  const auto read = load_scenarios({WEIR_SOURCE_DIR "/tests/data/flink/scenarios.jsonl"});
  BOOST_TEST(read.all.size() == 320u);
  for (const auto& each : read.all) {
    const auto text = drawn(each.what);
    BOOST_TEST(longest_line(text) <= 100u);
    BOOST_TEST(text.find("another") == text.npos, text);
  }
}

BOOST_AUTO_TEST_SUITE_END()
