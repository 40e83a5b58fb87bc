// SPDX-License-Identifier: Apache-2.0

// What `weir simulate` prints and ends with.

#include "command_fixture.hpp"

#include <utility>

using weir::tool::testing::command_fixture;

namespace {

const std::string scenarios
  = R"({"name": "one", "operator": {"mode": "ordered"}, "input": [{"at": 0, "record": 1, "ts": 5}]})"
    "\n"
    R"({"name": "two", "operator": {"mode": "ordered"}, "input": [{"at": 3, "record": 2}]})"
    "\n";

const std::string traces
  = R"({"name": "one", "output": [{"at": 1, "value": 2, "ts": 5}], )"
    R"("calls": [{"at": 0, "record": 1, "attempt": 1}], "failed": null})"
    "\n"
    R"({"name": "two", "output": [{"at": 4, "value": 4}], )"
    R"("calls": [{"at": 3, "record": 2, "attempt": 1}], "failed": null})"
    "\n";

} // namespace

BOOST_FIXTURE_TEST_SUITE(weir_simulate, command_fixture)

BOOST_AUTO_TEST_CASE(one_trace_a_line_is_printed) {
  folder.write("s", scenarios);
  const auto got = weir({"simulate", "s"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out == traces);
  BOOST_TEST(got.err == "");
}

BOOST_AUTO_TEST_CASE(what_is_printed_agrees_with_itself) {
  folder.write("s", scenarios);
  folder.write("t", traces);
  const auto got = weir({"simulate", "--check", "t", "s"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out == "2 agree, 0 differ\n");
}

BOOST_AUTO_TEST_CASE(a_difference_is_printed_and_ends_with_1) {
  folder.write("s", scenarios);
  auto other = traces;
  other.replace(other.find("\"value\": 4"), 10, "\"value\": 5");
  folder.write("t", other);
  const auto got = weir({"simulate", "--check", "t", "s"});
  BOOST_TEST(got.code == 1);
  BOOST_TEST(got.out
             == "two: the scenario at s:2 differs from the trace at t:2\n"
                "  output: 1 line expected, 1 came, 1 differs\n"
                "       expected      came\n"
                "  > 1  4  value 5    4  value 4\n"
                "1 agree, 1 differ\n");
}

BOOST_AUTO_TEST_CASE(what_is_missing_or_there_twice_is_a_difference) {
  const auto line = [](const std::string& of, int n) {
    const auto end = of.find('\n') + 1;
    return n == 1 ? of.substr(0, end) : of.substr(end);
  };
  folder.write("first", line(scenarios, 1));
  folder.write("second", line(scenarios, 2));
  folder.write("t", line(traces, 1));
  const auto missing = weir({"simulate", "--check", "t", "second"});
  BOOST_TEST(missing.code == 1);
  BOOST_TEST(missing.out == "two: the scenario at second:1 has no trace in t\n"
                            "one: the trace at t:1 has no scenario\n"
                            "0 agree, 2 differ\n");
  const auto twice = weir({"simulate", "--check", "t", "first", "first"});
  BOOST_TEST(twice.code == 1);
  BOOST_TEST(twice.out == "one: 2 scenarios have this name: first:1 first:1\n0 agree, 1 differ\n");
  folder.write("t", line(traces, 1) + line(traces, 1));
  const auto traces_twice = weir({"simulate", "--check", "t", "first"});
  BOOST_TEST(traces_twice.code == 1);
  BOOST_TEST(traces_twice.out == "one: 2 traces have this name: t:1 t:2\n0 agree, 1 differ\n");
}

BOOST_AUTO_TEST_CASE(mistakes_of_all_files_are_said_and_end_with_2) {
  folder.write("s", "{}");
  folder.write("t", "[]");
  const auto got = weir({"simulate", "--check", "t", "s"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.out == "");
  BOOST_TEST(got.err == "weir: s:1: name is required\n"
                        "weir: s:1: operator is required\n"
                        "weir: s:1: input is required\n"
                        "weir: t:1: must be an object, and is an array\n"
                        "weir: 4 mistakes; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(files_that_hold_nothing_end_with_2) {
  folder.write("empty", "");
  folder.write("blank", " \n");
  folder.write("s", scenarios);
  const auto got = weir({"simulate", "s", "empty", "blank"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.out == "");
  BOOST_TEST(got.err == "weir: empty: holds no scenario\n"
                        "weir: blank: holds no scenario\n"
                        "weir: 2 mistakes; nothing was run\n");
  const auto check = weir({"simulate", "--check", "empty", "s"});
  BOOST_TEST(check.code == 2);
  BOOST_TEST(check.err == "weir: empty: holds no trace\nweir: 1 mistake; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(without_check_a_name_that_comes_twice_is_a_mistake) {
  folder.write("s", scenarios);
  const auto got = weir({"simulate", "s", "s"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err == "weir: s:1: name = \"one\": is the name of another scenario, at s:1\n"
                        "weir: s:2: name = \"two\": is the name of another scenario, at s:2\n"
                        "weir: 2 mistakes; nothing was run\n");
}

BOOST_AUTO_TEST_CASE(a_run_without_end_is_a_mistake) {
  folder.write("s", R"({"name": "endless", "operator": {"mode": "ordered", "timeout_ms": 1000000000000,
    "retry": {"kind": "fixed", "max_attempts": 100000000, "delay_ms": 1, "if_error": "any"}},
    "input": [{"at": 0, "record": 1}], "service": {"1": [{"error": "io"}]}})");
  const auto got = weir({"simulate", "s"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.err.starts_with("weir: s:1: scenario endless: it takes more than 1000000 steps"), got.err);
}

BOOST_AUTO_TEST_CASE(bad_usage_of_simulate_ends_with_2) {
  for (const auto& arguments : {std::vector<std::string>{"simulate"}, {"simulate", "none"},
                                {"simulate", "--check"}, {"simulate", "--chek", "t", "s"}}) {
    const auto got = weir(arguments);
    BOOST_TEST(got.code == 2, got.err);
    BOOST_TEST(!got.err.empty());
  }
}

BOOST_AUTO_TEST_CASE(each_scenario_is_explored_by_its_name) {
  folder.write("s", scenarios);
  folder.write("t", R"({"name": "three", "operator": {"mode": "unordered"},
    "input": [{"at": 0, "record": 1}, {"at": 0, "record": 2}, {"at": 1, "record": 3}]})");
  const auto got = weir({"simulate", "--explore", "s", "t", "--seeds", "11..60"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out == "one: no two events fall together; one order, 1 trace\n"
                        "two: no two events fall together; one order, 1 trace\n"
                        "three: 50 seeds, 6 orders, 2 traces\n"
                        "3 hold, 0 do not\n");
  BOOST_TEST(got.err == "");
  const auto one = weir({"simulate", "--explore", "--seeds", "1", "t"});
  BOOST_TEST(one.out == "three: 1 seed, 1 order, 1 trace\n1 hold, 0 do not\n");
}

BOOST_AUTO_TEST_CASE(the_actor_is_explored_too) {
  folder.write("s", scenarios);
  folder.write("t", R"({"name": "three", "operator": {"mode": "unordered"},
    "input": [{"at": 0, "record": 1}, {"at": 0, "record": 2}, {"at": 1, "record": 3}]})");
  const auto got = weir({"simulate", "--explore", "--actors", "s", "t", "--seeds", "11..60"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out == "one: 50 seeds, 1 order, 1 trace\n"
                        "two: 50 seeds, 1 order, 1 trace\n"
                        "three: 50 seeds, 6 orders, 2 traces\n"
                        "3 hold, 0 do not\n");
  BOOST_TEST(got.err == "");
}

BOOST_AUTO_TEST_CASE(what_cannot_be_explored_is_said) {
  folder.write("s", scenarios);
  folder.write("t", R"({"name": "endless", "operator": {"mode": "ordered", "timeout_ms": 1000000000000,
    "retry": {"kind": "fixed", "max_attempts": 100000000, "delay_ms": 1, "if_error": "any"}},
    "input": [{"at": 0, "record": 1}], "service": {"1": [{"error": "io"}]}})");
  const auto got = weir({"simulate", "--explore", "s", "t"});
  BOOST_TEST(got.code == 2);
  BOOST_TEST(got.out.ends_with("\n2 hold, 0 do not\n"), got.out);
  BOOST_TEST(got.err.starts_with("weir: t:1: scenario endless: it takes more than 1000000 steps"),
             got.err);
  folder.write("t", "{}");
  const auto bad = weir({"simulate", "--explore", "s", "t"});
  BOOST_TEST(bad.code == 2);
  BOOST_TEST(bad.out == "");
  BOOST_TEST(bad.err.ends_with("weir: 3 mistakes; nothing was run\n"), bad.err);
}

BOOST_AUTO_TEST_CASE(bad_usage_of_explore_says_what_is_wrong) {
  folder.write("s", scenarios);
  const std::string rule
    = "must be how many, as in 1000, or the first and the last, as in 17..40; at most 10^18";
  const std::pair<std::vector<std::string>, std::string> wrong[]
    = {{{"--explore", "--seeds", "5..3", "s"}, "--seeds 5..3: " + rule},
       {{"--explore", "--seeds", "0", "s"}, "--seeds 0: " + rule},
       {{"--explore", "--seeds=-3", "s"}, "--seeds -3: " + rule},
       {{"--explore", "--seeds", "1..", "s"}, "--seeds 1..: " + rule},
       {{"--explore", "--seeds", "many", "s"}, "--seeds many: " + rule},
       {{"--explore", "s", "--seeds"}, "--seeds: 1 required N|A..B missing"},
       {{"--seeds", "3", "s"}, "--seeds requires --explore"},
       {{"--explore", "--check", "t", "s"}, "--check excludes --explore"},
       {{"--explore", "--timeline", "s"}, "--timeline excludes --explore"}};
  for (const auto& [arguments, said] : wrong) {
    std::vector<std::string> all{"simulate"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const auto got = weir(all);
    BOOST_TEST(got.code == 2, said);
    BOOST_TEST(got.out == "");
    BOOST_TEST(got.err.starts_with(said + "\n"), got.err);
  }
}

BOOST_AUTO_TEST_CASE(a_timeline_takes_the_place_of_traces) {
  folder.write("s", scenarios);
  const auto got = weir({"simulate", "--timeline", "s"});
  BOOST_TEST(got.code == 0);
  BOOST_TEST(got.out.find("one: ordered") != got.out.npos, got.out);
  BOOST_TEST(got.out.find("\"name\"") == got.out.npos, got.out);
  BOOST_TEST(weir({"simulate", "--timeline", "--check", "t", "s"}).code == 2);
}

BOOST_AUTO_TEST_CASE(a_full_disk_is_said) {
  folder.write("s", scenarios);
  weir::tool::testing::running_command command{folder.path(), {"simulate", "s"}, "/dev/full"};
  const auto got = command.finish();
  BOOST_TEST(got.code == 1);
  BOOST_TEST(got.err == "weir: the traces cannot be written to standard output: No space left on device\n");
}

BOOST_AUTO_TEST_SUITE_END()
