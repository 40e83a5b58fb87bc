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
                "  record 1  1==x!   failed at 1, which fails the job: io\n");
}

BOOST_AUTO_TEST_CASE(ignored_answers_are_marked_also_when_the_record_has_left) {
  BOOST_TEST(drawn(R"({"mode": "ordered"})", R"({"at": 0, "record": 1})",
                   R"({"1": [{"after": 2, "twice": [{"after": 2}, {"after": 9, "error": "io"}]}]})")
             == "t: ordered, capacity 100, no timeout\n"
                "  ms        0   2   9\n"
                "  record 1  1===o>i i     answered at 2, left at once\n");
}

BOOST_AUTO_TEST_CASE(a_call_goes_on_behind_an_ignored_answer) {
  BOOST_TEST(drawn(R"({"mode": "ordered", "timeout_ms": 20,
                       "retry": {"kind": "fixed", "max_attempts": 1, "delay_ms": 1, "if_error": "any"}})",
                   R"({"at": 0, "record": 1})",
                   R"({"1": [{"error": "io", "twice": [{"after": 4}]}, {"after": 5}]})")
             == "t: ordered, capacity 100, timeout 20 ms, at most 1 retry\n"
                "  ms        0  1  2  4  7\n"
                "  record 1  1==x~~2==i==o>   answered at 7, left at once\n");
}

BOOST_AUTO_TEST_CASE(results_are_said_where_they_are_not_twice_the_value) {
  const auto text = drawn(R"({"mode": "ordered"})",
                          R"({"at": 0, "record": 1}, {"at": 0, "record": 2}, {"at": 0, "record": 3})",
                          R"({"1": [{"emit": [2]}], "2": [{"emit": [5, 6]}],
                              "3": [{"emit": [1, 2, 3, 4, 5, 6, 7, 8]}]})");
  BOOST_TEST(text
             == "t: ordered, capacity 100, no timeout\n"
                "  ms        0  1\n"
                "  record 1  1==o>   answered at 1, left at once\n"
                "  record 2  1==o>   answered at 1, left at once: 5, 6\n"
                "  record 3  1==o>   answered at 1, left at once: 1, 2, 3, 4, 5, 6 and 2 more\n");
}

BOOST_AUTO_TEST_CASE(a_dead_letter_has_its_error_and_its_attempts) {
  BOOST_TEST(drawn(R"({"mode": "ordered", "on_failure": "dead_letter"})", R"({"at": 0, "record": 1})",
                   R"({"1": [{"error": "io"}]})")
             == "t: ordered, capacity 100, no timeout\n"
                "  ms        0  1\n"
                "  record 1  1==xD   failed at 1, a dead letter at once: io, 1 attempt\n");
}

BOOST_AUTO_TEST_CASE(the_end_stands_in_line) {
  BOOST_TEST(drawn(R"({"mode": "ordered", "capacity": 1})",
                   R"({"at": 0, "record": 1}, {"at": 0, "record": 2}, {"at": 0, "end": true})")
             == "t: ordered, capacity 1, no timeout\n"
                "  ms        0  1  2\n"
                "  record 1  1==o>      answered at 1, left at once\n"
                "  record 2  ...1==o>   room at 1, when record 1 left; answered at 2, left at once\n"
                "  end       ...--->    the input has ended at 1; waited for record 2, left at 2\n");
  BOOST_TEST(drawn(R"({"mode": "ordered"})", R"({"at": 3, "end": true})")
             == "t: ordered, capacity 100, no timeout\n"
                "  ms   3\n"
                "  end  >    the input has ended at 3; nothing before it: left at 3\n");
}

BOOST_AUTO_TEST_CASE(the_end_comes_back_with_a_snapshot_and_goes_with_one_that_has_it_not) {
  const auto input = [](const char* id) {
    return R"({"at": 0, "record": 1}, {"at": 0, "barrier": 1}, {"at": 1, "end": true},
              {"at": 1, "barrier": 2}, {"at": 2, "restore": )"
           + std::string{id} + "}";
  };
  const auto service = R"({"1": [{"after": 9}]})";
  BOOST_TEST(drawn(R"({"mode": "ordered"})", input("2"), service).find(
               "  end           ---R-->    back at 2; waited for record 1, left at 11\n")
             != std::string::npos);
  BOOST_TEST(drawn(R"({"mode": "ordered"})", input("1"), service).find(
               "  end           ---#       the input has ended at 1; lost in the restore at 2\n")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_long_sentence_is_broken_behind_its_parts) {
  const auto text = drawn(R"({"mode": "ordered", "capacity": 1})",
                          R"({"at": 0, "record": 1000001}, {"at": 900000, "record": 1000002})",
                          R"({"1000001": [{"after": 1000000}], "1000002": [{"after": 1000000}]})");
  BOOST_TEST(text
             == "t: ordered, capacity 1, no timeout\n"
                "  ms              0       900000  1000000 2000000\n"
                "  record 1000001  1===============o>                answered at 1000000, left at once\n"
                "  record 1000002          ........1=======o>        room at 1000000, when record 1000001 left;\n"
                "                                                    answered at 2000000, left at once\n",
             text);
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
