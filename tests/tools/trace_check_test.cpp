// SPDX-License-Identifier: Apache-2.0
#include "trace_check.hpp"
#include "trace_text.hpp"

#include <boost/test/unit_test.hpp>

namespace {

using namespace weir::simulation;
using namespace weir::tool;

trace ten_values() {
  trace t;
  t.name = "t";
  for (int i = 0; i < 10; ++i)
    t.output.push_back({i, value_leaves{10 * i, {}}});
  t.calls = {{0, 1, 1}};
  return t;
}

} // namespace

BOOST_AUTO_TEST_SUITE(trace_texts)

BOOST_AUTO_TEST_CASE(a_trace_is_one_line_with_its_fields_in_order) {
  trace t;
  t.name = "a \"name\"";
  t.output = {{1, value_leaves{2, 3}},     {1, value_leaves{-2, {}}},  {1, watermark_leaves{4}},
              {1, status_leaves{true}},    {1, status_leaves{false}},  {2, barrier_leaves{5}},
              {2, dead_letter_leaves{6, "io", 2}}};
  t.calls = {{7, 8, 9}, {8, 8, 10}};
  BOOST_TEST(trace_json(t)
             == R"({"name": "a \"name\"", "output": [{"at": 1, "value": 2, "ts": 3}, )"
                R"({"at": 1, "value": -2}, {"at": 1, "watermark": 4}, {"at": 1, "status": "idle"}, )"
                R"({"at": 1, "status": "active"}, {"at": 2, "barrier": 5}, )"
                R"({"at": 2, "dead_letter": 6, "error": "io", "attempts": 2}], )"
                R"("calls": [{"at": 7, "record": 8, "attempt": 9}, {"at": 8, "record": 8, "attempt": 10}], )"
                R"("failed": null})");
  t = {};
  t.failed = trace_failure{3, "io", 1};
  BOOST_TEST(trace_json(t) == R"({"name": "", "output": [], "calls": [], )"
                              R"("failed": {"at": 3, "error": "io", "record": 1}})");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(trace_checks)

BOOST_AUTO_TEST_CASE(equal_traces_agree) {
  BOOST_TEST(difference_text(ten_values(), ten_values()) == "");
}

BOOST_AUTO_TEST_CASE(a_difference_is_shown_in_two_columns_with_what_is_around_it) {
  auto came = ten_values();
  came.output[5].what = dead_letter_leaves{5, "io", 1};
  came.output.pop_back();
  came.output.push_back({12, watermark_leaves{1}});
  BOOST_TEST(difference_text(ten_values(), came)
             == "  output: 10 lines expected, 10 came, 2 differ\n"
                "        expected        came\n"
                "     3   2  value 20     2  value 20\n"
                "     4   3  value 30     3  value 30\n"
                "     5   4  value 40     4  value 40\n"
                "  >  6   5  value 50     5  dead letter 5, io, 1 attempt\n"
                "     7   6  value 60     6  value 60\n"
                "     8   7  value 70     7  value 70\n"
                "     9   8  value 80     8  value 80\n"
                "  > 10   9  value 90    12  watermark 1\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_missing_is_a_dash) {
  auto came = ten_values();
  came.calls.clear();
  came.failed = trace_failure{3, "io", 1};
  BOOST_TEST(difference_text(ten_values(), came)
             == "  calls: 1 line expected, 0 came, 1 differs\n"
                "       expected                  came\n"
                "  > 1  0  record 1, attempt 1    -\n"
                "  failed: expected no; came at 3: io, record 1\n");
}

BOOST_AUTO_TEST_CASE(where_the_output_alone_counts_times_and_calls_may_differ) {
  auto expected = ten_values();
  expected.compare_output_alone = true;
  auto came = ten_values();
  came.calls.clear();
  for (auto& each : came.output)
    each.at += 100;
  BOOST_TEST(difference_text(expected, came) == "");
  came.output.erase(came.output.begin() + 8, came.output.end());
  BOOST_TEST(difference_text(expected, came)
             == "  output, without times: 10 lines expected, 8 came, 2 differ\n"
                "        expected    came\n"
                "     6  value 50    value 50\n"
                "     7  value 60    value 60\n"
                "     8  value 70    value 70\n"
                "  >  9  value 80    -\n"
                "  > 10  value 90    -\n");
}

BOOST_AUTO_TEST_SUITE_END()
