// SPDX-License-Identifier: Apache-2.0
#include "scenario_reader.hpp"

#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace {

using namespace weir;
using namespace weir::simulation;
using namespace weir::tool;

using texts = std::vector<std::string>;

texts texts_of(const std::vector<mistake>& mistakes) {
  texts all;
  for (const auto& each : mistakes)
    all.push_back(each.text());
  return all;
}

/// The mistakes of a file `f`.
texts mistakes(const std::string& content) {
  const auto read = parse_scenarios(content, "f");
  BOOST_TEST(read.all.empty());
  return texts_of(read.mistakes);
}

/// The mistakes of a scenario with these input lines and this service.
texts input(const std::string& lines, const std::string& service = "{}") {
  return mistakes(R"({"name": "n", "operator": {"mode": "ordered"}, "input": [)" + lines
                  + R"(], "service": )" + service + "}");
}

texts service(const std::string& service) {
  return input("", service);
}

/// The mistakes of a scenario with these settings.
texts settings(const std::string& settings) {
  return mistakes(R"({"name": "n", "operator": )" + settings + R"(, "input": []})");
}

texts trace_mistakes(const std::string& content) {
  const auto read = parse_traces(content, "f");
  BOOST_TEST(read.all.empty());
  return texts_of(read.mistakes);
}

scenario good(const std::string& content) {
  const auto read = parse_scenarios(content, "f");
  BOOST_TEST(texts_of(read.mistakes) == texts{}, boost::test_tools::per_element());
  BOOST_REQUIRE(read.all.size() == 1u);
  return read.all.front().what;
}

const std::string one_line = R"({"name": "n", "operator": {"mode": "ordered"}, "input": []})";

} // namespace

#define CHECK_TEXTS(actual, ...) \
  do { \
    const texts expected_texts __VA_ARGS__; \
    BOOST_TEST((actual) == expected_texts, boost::test_tools::per_element()); \
  } while (false)

BOOST_AUTO_TEST_SUITE(scenario_reader)

// -- what is read --

BOOST_AUTO_TEST_CASE(defaults_are_those_of_the_language) {
  const auto s = good(one_line);
  BOOST_TEST(s.name == "n");
  BOOST_TEST(s.with.capacity == 100u);
  BOOST_TEST(!s.with.max_concurrent_calls.has_value());
  BOOST_TEST(s.with.timeout == 0);
  BOOST_TEST((s.with.retry.kind == retry_kind::none));
  BOOST_TEST((s.with.on_timeout.kind == hook_kind::fail));
  BOOST_TEST((s.with.on_failure == scenario_failure_action::fail_job));
  BOOST_TEST(s.otherwise.empty());
}

BOOST_AUTO_TEST_CASE(every_key_is_read) {
  const auto s = good(R"({
    "name": "all",
    "operator": {"mode": "key_ordered", "capacity": 3, "max_concurrent_calls": 2, "timeout_ms": 50,
                 "retry": {"kind": "exponential", "max_attempts": 4, "initial_ms": 1, "max_ms": 9,
                           "multiplier": 1.5, "if_result": "empty", "if_error": "io"},
                 "on_timeout": {"error": "late"}, "on_failure": "dead_letter"},
    "input": [{"at": 0, "record": -7, "ts": 3}, {"at": 0, "watermark": 3}, {"at": 1, "status": "idle"},
              {"at": 2, "barrier": 5}, {"at": 2, "end": true},
              {"at": 3, "restore": 5, "how": "call_all", "operator": {"mode": "unordered"}},
              {"at": 4, "end": true}],
    "service": {"-7": [{"after": 0, "emit": []}, {"never": true, "twice": [{"after": 9, "emit": [1]}]},
                       {"throw": "boom"}, {"error": "io"}],
                "otherwise": [{"after": 2}]}})");
  BOOST_TEST((s.with.mode == scenario_mode::key_ordered));
  BOOST_TEST(*s.with.max_concurrent_calls == 2u);
  BOOST_TEST(s.with.retry.multiplier == 1.5);
  BOOST_TEST(s.with.retry.if_empty);
  BOOST_TEST(*s.with.retry.if_error == "io");
  BOOST_TEST(s.with.on_timeout.error == "late");
  BOOST_TEST(*std::get<record_arrives>(s.input[0].what).ts == 3);
  BOOST_TEST(std::get<status_arrives>(s.input[2].what).idle);
  const auto& restore = std::get<operator_restores>(s.input[5].what);
  BOOST_TEST(restore.id == 5);
  BOOST_TEST(restore.call_all);
  BOOST_TEST((restore.with->mode == scenario_mode::unordered));
  const auto& answers = s.service.at(-7);
  BOOST_TEST(answers[0].emit->empty());
  BOOST_TEST(answers[1].never);
  BOOST_TEST(answers[1].twice[0].after == 9);
  BOOST_TEST((answers[2].throws && *answers[2].error == "boom" && answers[2].after == 0));
  BOOST_TEST((*answers[3].error == "io" && answers[3].after == 1));
  BOOST_TEST(s.otherwise[0].after == 2);
}

BOOST_AUTO_TEST_CASE(a_file_has_one_object_or_one_a_line) {
  const auto read = parse_scenarios(one_line + "\n\n  " + one_line + "\r\n" + one_line, "f");
  BOOST_TEST(read.mistakes.empty());
  BOOST_REQUIRE(read.all.size() == 3u);
  BOOST_TEST(read.all[1].where() == "f:3");
  BOOST_TEST(read.all[2].where() == "f:4");
}

BOOST_AUTO_TEST_CASE(a_name_that_comes_twice_is_found) {
  const auto read = parse_scenarios(one_line + "\n" + one_line, "f");
  CHECK_TEXTS(texts_of(repeated_names(read.all)),
              {"f:2: name = \"n\": is the name of another scenario, at f:1"});
}

// -- what is wrong --

BOOST_AUTO_TEST_CASE(all_mistakes_are_named_at_once_each_with_its_line) {
  CHECK_TEXTS(mistakes("{\n\"name\": 5,\n\"operator\": {\"mode\": \"orderd\",\n\"capcity\": 3},\n\"input\": [\n"
                       "{\"at\": 4, \"record\": 1},\n{\"at\":\n3\n, \"record\": 1.5}],\n\"more\": null}\n"
                       "{\"name\": \"second\"}"),
              {"f:2: name = 5: must be a string of 1 to 1000 bytes without control characters",
               "f:3: operator.mode = \"orderd\": must be \"ordered\", \"unordered\" or \"key_ordered\" (did "
               "you mean \"ordered\"?)",
               "f:4: operator.capcity = 3: is no key that weir knows here (did you mean \"capacity\"?)",
               "f:8: input[1].at = 3: must not be before the line in front of it, which is at 4",
               "f:9: input[1].record = 1.5: must be a whole number from -4611686018427387903 to "
               "4611686018427387903",
               "f:10: more = null: is no key that weir knows here",
               "f:11: operator is required", "f:11: input is required"});
}

BOOST_AUTO_TEST_CASE(mistakes_come_in_the_order_of_the_file) {
  // GIVEN objects in an order of their own, several keys a line, and mistakes of all sorts
  CHECK_TEXTS(mistakes("{\"input\": [{\"record\": 1.5, \"at\": -1,\n"
                       "\"more\": 1}],\n"
                       "\"service\": {\"x\": [{}], \"2\": []}, \"colour\": 2,\n"
                       "\"operator\": {\"on_failure\": 3, \"capcity\": 4, \"capcity\": 4, \"timeout_ms\": -1, \"capacity\": 0},\n"
                       "\"name\": 5}\n"
                       "{\"input\": 6, \"operator\": 7}"),
              // THEN they are named as the file has them, what is missing where its object begins
              {"f:1: input[0].record = 1.5: must be a whole number from -4611686018427387903 to "
               "4611686018427387903",
               "f:1: input[0].at = -1: must be a whole number from 0 to 1000000000000",
               "f:2: input[0].more = 1: is no key that weir knows here",
               "f:3: service.x must be under a record's value or \"otherwise\"",
               "f:3: service.2 = []: must be a list of answers, at least one",
               "f:3: colour = 2: is no key that weir knows here",
               "f:4: operator.mode is required",
               "f:4: operator.on_failure = 3: must be \"fail_job\", \"drop\" or \"dead_letter\"",
               "f:4: operator.capcity = 4: is no key that weir knows here (did you mean \"capacity\"?)",
               "f:4: operator.capcity = 4: is given twice in one object",
               "f:4: operator.timeout_ms = -1: must be a whole number from 0 to 1000000000000",
               "f:4: operator.capacity = 0: must be a whole number from 1 to 2147483647",
               "f:5: name = 5: must be a string of 1 to 1000 bytes without control characters",
               "f:6: name is required", "f:6: input = 6: must be an array",
               "f:6: operator = 7: must be an object"});
}

// -- what follows from another mistake is not said --

BOOST_AUTO_TEST_CASE(a_time_that_is_wrong_or_missing_is_not_early_as_well) {
  CHECK_TEXTS(input(R"({"at": 5, "record": 1}, {"at": "6", "record": 1}, {"record": 1},
                       {"at": 1e99, "record": 1}, {"at": -1, "record": 1}, {"at": 4, "record": 1})"),
              {"f:1: input[1].at = \"6\": must be a whole number from 0 to 1000000000000",
               "f:1: input[2].at is required",
               "f:2: input[3].at = 1e99: must be a whole number from 0 to 1000000000000",
               "f:2: input[4].at = -1: must be a whole number from 0 to 1000000000000",
               "f:2: input[5].at = 4: must not be before the line in front of it, which is at 5"});
}

BOOST_AUTO_TEST_CASE(a_retry_does_not_miss_a_timeout_that_is_wrong) {
  const std::string retry = R"("retry": {"kind": "fixed", "max_attempts": 1, "delay_ms": 1}})";
  CHECK_TEXTS(settings(R"({"mode": "ordered", "timeout_ms": "9", )" + retry),
              {"f:1: operator.timeout_ms = \"9\": must be a whole number from 0 to 1000000000000"});
  CHECK_TEXTS(settings(R"({"mode": "ordered", )" + retry),
              {"f:1: operator.retry = {...}: needs a timeout: timeout_ms must be > 0"});
}

BOOST_AUTO_TEST_CASE(a_bound_is_not_held_against_one_that_is_wrong) {
  CHECK_TEXTS(settings(R"({"mode": "ordered", "capacity": "300", "max_concurrent_calls": 200})"),
              {"f:1: operator.capacity = \"300\": must be a whole number from 1 to 2147483647"});
  const auto retry = [](const std::string& delays) {
    return settings(R"({"mode": "ordered", "timeout_ms": 9, "retry": {"kind": "exponential",
                        "max_attempts": 1, "multiplier": 2, )" + delays + "}}");
  };
  CHECK_TEXTS(retry(R"("initial_ms": 5, "max_ms": "9")"),
              {"f:2: operator.retry.max_ms = \"9\": must be a whole number from 1 to 1000000000000"});
  CHECK_TEXTS(retry(R"("initial_ms": 0, "max_ms": -1)"),
              {"f:2: operator.retry.initial_ms = 0: must be a whole number from 1 to 1000000000000",
               "f:2: operator.retry.max_ms = -1: must be a whole number from 1 to 1000000000000"});
}

BOOST_AUTO_TEST_CASE(an_end_that_is_wrong_ends_nothing) {
  CHECK_TEXTS(input(R"({"at": 1, "end": false}, {"at": 2, "record": 1})"),
              {"f:1: input[0].end = false: must be true, or left out"});
}

BOOST_AUTO_TEST_CASE(a_restore_that_is_wrong_may_go_back_to_before_the_end) {
  CHECK_TEXTS(input(R"({"at": 0, "barrier": 1}, {"at": 1, "end": true}, {"at": 2, "restore": "1"},
                       {"at": 3, "record": 1}, {"at": 4, "restore": 7}, {"at": 5, "record": 1})"),
              {"f:1: input[2].restore = \"1\": must be a whole number from -4611686018427387903 to "
               "4611686018427387903",
               "f:2: input[4].restore = 7: must be the id of a barrier in a line before it"});
}

BOOST_AUTO_TEST_CASE(a_restore_may_mean_a_barrier_that_is_wrong) {
  for (const std::string line : {R"({"at": 0, "barrier": "7"})", R"({"at": 0, "barier": 7})", "7"})
    BOOST_TEST(input(line + R"(, {"at": 1, "restore": 7})").size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_key_in_other_letters_is_not_missing_as_well) {
  CHECK_TEXTS(mistakes("{\"nam\": \"n\",\n"
                       "\"operator\": {\"modde\": \"ordered\", \"on_timeout\": {\"emmit\": []},\n"
                       "\"timeout_ms\": 9, \"retry\": {\"knd\": \"fixed\", \"max_attempts\": 1}},\n"
                       "\"inputs\": [], \"service\": {\"1\": [{}]}}\n"
                       "{\"name\": \"m\", \"operator\": {\"mode\": \"ordered\"}, \"input\": [{\"at\": 1, \"recrod\": 2, \"ts\": 1}]}"),
              {"f:1: nam = \"n\": is no key that weir knows here (did you mean \"name\"?)",
               "f:2: operator.modde = \"ordered\": is no key that weir knows here (did you mean \"mode\"?)",
               "f:2: operator.on_timeout.emmit = []: is no key that weir knows here (did you mean \"emit\"?)",
               "f:3: operator.retry.knd = \"fixed\": is no key that weir knows here (did you mean \"kind\"?)",
               "f:4: inputs = []: is no key that weir knows here (did you mean \"input\"?)",
               "f:5: input[0].recrod = 2: is no key that weir knows here (did you mean \"record\"?)"});
}

BOOST_AUTO_TEST_CASE(keys_of_a_line_that_is_two_things_belong_to_one_of_them) {
  CHECK_TEXTS(input(R"({"at": 1, "barrier": 1, "restore": 1, "how": "call_all", "operator": {"mode": "ordered"}})"),
              {"f:1: input[0] must have one of \"record\", \"watermark\", \"status\", \"barrier\", \"restore\" "
               "and \"end\""});
}

BOOST_AUTO_TEST_CASE(settings_keep_the_operators_rules) {
  CHECK_TEXTS(settings(R"({"mode": "ordered", "capacity": 0})"),
              {"f:1: operator.capacity = 0: must be a whole number from 1 to 2147483647"});
  CHECK_TEXTS(settings(R"({"mode": "ordered", "timeout_ms": -1, "max_concurrent_calls": 101})"),
              {"f:1: operator.timeout_ms = -1: must be a whole number from 0 to 1000000000000",
               "f:1: operator.max_concurrent_calls = 101: must be at most capacity, which is 100"});
  CHECK_TEXTS(settings(R"({"mode": 1, "retry": [], "on_timeout": 3, "on_failure": "drp"})"),
              {"f:1: operator.mode = 1: must be \"ordered\", \"unordered\" or \"key_ordered\"",
               "f:1: operator.retry = []: must be an object",
               "f:1: operator.on_timeout = 3: must be an object",
               "f:1: operator.on_failure = \"drp\": must be \"fail_job\", \"drop\" or \"dead_letter\" (did you "
               "mean \"drop\"?)"});
  CHECK_TEXTS(settings("[]"), {"f:1: operator = []: must be an object"});
  CHECK_TEXTS(settings("{}"), {"f:1: operator.mode is required"});
}

BOOST_AUTO_TEST_CASE(retries_keep_their_rules) {
  const auto retry = [](const std::string& how, int timeout = 9) {
    return settings(R"({"mode": "ordered", "timeout_ms": )" + std::to_string(timeout)
                    + ", \"retry\": " + how + "}");
  };
  CHECK_TEXTS(retry("{}"), {"f:1: operator.retry.kind is required"});
  CHECK_TEXTS(retry(R"({"kind": "fixed", "max_attempts": 1, "delay_ms": 1})", 0),
              {"f:1: operator.retry = {...}: needs a timeout: timeout_ms must be > 0"});
  CHECK_TEXTS(retry(R"({"kind": "fixed", "max_attempts": 0, "delay_ms": 0, "max_ms": 4})"),
              {"f:1: operator.retry.max_attempts = 0: must be a whole number from 1 to 100000000",
               "f:1: operator.retry.delay_ms = 0: must be a whole number from 1 to 1000000000000",
               "f:1: operator.retry.max_ms = 4: is no key that weir knows here"});
  CHECK_TEXTS(retry(R"({"kind": "exponential", "max_attempts": 1, "initial_ms": 5, "max_ms": 4,
                        "multiplier": 0.5, "if_result": "full", "if_error": ""})"),
              {"f:1: operator.retry.max_ms = 4: must be at least initial_ms, which is 5",
               "f:2: operator.retry.multiplier = 0.5: must be a number >= 1",
               "f:2: operator.retry.if_result = \"full\": must be \"empty\"",
               "f:2: operator.retry.if_error = \"\": must be a string of 1 to 1000 bytes without control "
               "characters"});
  CHECK_TEXTS(retry(R"({"kind": "exponential"})"),
              {"f:1: operator.retry.max_attempts is required", "f:1: operator.retry.initial_ms is required",
               "f:1: operator.retry.max_ms is required", "f:1: operator.retry.multiplier is required"});
}

BOOST_AUTO_TEST_CASE(a_hook_does_one_thing) {
  const auto hook = [](const std::string& what) {
    return settings(R"({"mode": "ordered", "on_timeout": )" + what + "}");
  };
  const std::string one_of
    = "f:1: operator.on_timeout must have one of \"fail\", \"emit\", \"error\" and \"nothing\"";
  CHECK_TEXTS(hook("{}"), {one_of});
  CHECK_TEXTS(hook(R"({"fail": true, "nothing": true})"), {one_of});
  CHECK_TEXTS(hook(R"({"nothing": false})"),
              {"f:1: operator.on_timeout.nothing = false: must be true, or left out"});
  CHECK_TEXTS(hook(R"({"emit": [1, "x"]})"),
              {"f:1: operator.on_timeout.emit[1] = \"x\": must be a whole number from -4611686018427387903 "
               "to 4611686018427387903"});
}

BOOST_AUTO_TEST_CASE(input_lines_are_elements) {
  CHECK_TEXTS(input(R"({"at": 1}, {"at": 1, "record": 1, "end": true}, 7, {"record": 1})"),
              {"f:1: input[0] must have one of \"record\", \"watermark\", \"status\", \"barrier\", \"restore\" "
               "and \"end\"",
               "f:1: input[1] must have one of \"record\", \"watermark\", \"status\", \"barrier\", \"restore\" "
               "and \"end\"",
               "f:1: input[2] = 7: must be an object", "f:1: input[3].at is required"});
  CHECK_TEXTS(input(R"({"at": 1, "watermark": 1, "ts": 3}, {"at": 1, "status": "asleep"})"),
              {"f:1: input[0].ts = 3: is no key that weir knows here",
               "f:1: input[1].status = \"asleep\": must be \"idle\" or \"active\""});
}

BOOST_AUTO_TEST_CASE(after_the_end_come_barriers_and_restores_alone) {
  CHECK_TEXTS(input(R"({"at": 0, "barrier": 1}, {"at": 1, "end": true}, {"at": 2, "barrier": 2},
                       {"at": 2, "record": 1}, {"at": 2, "end": true},
                       {"at": 3, "restore": 2}, {"at": 3, "watermark": 1},
                       {"at": 3, "restore": 1}, {"at": 3, "record": 1})"),
              {"f:2: input[3].record = 1: comes after the end; only barriers and restores may",
               "f:2: input[4].end = true: comes after the end; only barriers and restores may",
               "f:3: input[6].watermark = 1: comes after the end; only barriers and restores may"});
}

BOOST_AUTO_TEST_CASE(a_restore_names_a_barrier_before_it) {
  CHECK_TEXTS(input(R"({"at": 0, "restore": 1}, {"at": 0, "barrier": 1},
                       {"at": 0, "restore": 1, "how": "again", "operator": {"capacity": 0}})"),
              {"f:1: input[0].restore = 1: must be the id of a barrier in a line before it",
               "f:2: input[2].how = \"again\": must be \"resume\" or \"call_all\"",
               "f:2: input[2].operator.mode is required",
               "f:2: input[2].operator.capacity = 0: must be a whole number from 1 to 2147483647"});
}

BOOST_AUTO_TEST_CASE(answers_keep_their_rules) {
  CHECK_TEXTS(service(R"({"1": [], "2": {}, "03": [{}], "x": [{}], "4": [5]})"),
              {"f:1: service.1 = []: must be a list of answers, at least one",
               "f:1: service.2 = {}: must be a list of answers, at least one",
               "f:1: service.03 must be under a record's value or \"otherwise\"",
               "f:1: service.x must be under a record's value or \"otherwise\"",
               "f:1: service.4[0] = 5: must be an object"});
  CHECK_TEXTS(service(R"({"1": [{"emit": [1], "error": "io"}, {"throw": "x", "after": 3},
                                {"twice": [{"throw": "x"}, {"twice": []}]}, {"never": 1},
                                {"never": true, "after": 3}]})"),
              {"f:1: service.1[0] must have at most one of \"emit\", \"error\", \"throw\" and \"never\"",
               "f:1: service.1[1].after = 3: must be 0 or left out beside \"throw\": it is the call that "
               "throws",
               "f:2: service.1[2].twice[0].throw = \"x\": must not be in \"twice\": only the call itself "
               "throws",
               "f:2: service.1[2].twice[1].twice = []: must not be in another \"twice\"",
               "f:2: service.1[3].never = 1: must be true, or left out",
               "f:3: service.1[4].after = 3: must be left out beside \"never\""});
}

BOOST_AUTO_TEST_CASE(a_key_that_is_given_twice_is_a_mistake) {
  CHECK_TEXTS(mistakes("{\"name\": \"n\", \"operator\": {\"mode\": \"ordered\"}, \"input\": [],\n\"name\": \"m\"}"),
              {"f:2: name = \"m\": is given twice in one object"});
}

BOOST_AUTO_TEST_CASE(a_key_that_is_given_twice_is_named_with_all_that_it_lies_in) {
  CHECK_TEXTS(mistakes("{\"name\": \"n\", \"operator\": {\"mode\": \"ordered\", \"retry\": {\"kind\": \"none\",\n"
                       "\"kind\": \"none\"}},\n"
                       "\"input\": [{\"at\": 0, \"end\": true}, {\"at\": 1, \"barrier\": 1, \"at\": 2}],\n"
                       "\"service\": {\"1\": [{\"twice\": [{}, {\"after\": 1, \"after\": 2}]}]}}"),
              {"f:2: operator.retry.kind = \"none\": is given twice in one object",
               "f:3: input[1].at = 2: is given twice in one object",
               "f:4: service.1[0].twice[1].after = 2: is given twice in one object"});
}

BOOST_AUTO_TEST_CASE(an_unknown_key_that_is_given_twice_is_unknown_once) {
  CHECK_TEXTS(settings(R"({"mode": "ordered", "colour": 1, "colour": 2})"),
              {"f:1: operator.colour = 1: is no key that weir knows here",
               "f:1: operator.colour = 2: is given twice in one object"});
}

BOOST_AUTO_TEST_CASE(a_number_that_overflows_is_a_mistake_like_any_other) {
  // Of each there is another in the same object, and strings that only look like such numbers.
  CHECK_TEXTS(mistakes("{\"name\": \"1e999 \\\" 1e999\", \"operator\": {\"mode\": -1e999,\n"
                       "\"timeout_ms\": 9, \"retry\": {\"kind\": \"exponential\", \"max_attempts\": 1, \"initial_ms\": 1,\n"
                       "\"max_ms\": 1, \"multiplier\": 1e400}},\n"
                       "\"input\": [{\"at\": 0, \"record\": 1}, {\"at\": 1e99999, \"barrier\": 1.5},\n"
                       "{\"at\":1E+999,\"end\":true}], \"more\": 1e999}\n"
                       "{\"name\": 2e999}"),
              {"f:1: operator.mode = -1e999: must be \"ordered\", \"unordered\" or \"key_ordered\"",
               "f:3: operator.retry.multiplier = 1e400: must be a number that a double holds, up to 1.79e308",
               "f:4: input[1].at = 1e99999: must be a whole number from 0 to 1000000000000",
               "f:4: input[1].barrier = 1.5: must be a whole number from -4611686018427387903 to "
               "4611686018427387903",
               "f:5: input[2].at = 1E+999: must be a whole number from 0 to 1000000000000",
               "f:5: more = 1e999: is no key that weir knows here",
               "f:6: operator is required", "f:6: input is required",
               "f:6: name = 2e999: must be a string of 1 to 1000 bytes without control characters"});
}

BOOST_AUTO_TEST_CASE(numbers_that_overflow_do_not_hide_what_is_no_json) {
  CHECK_TEXTS(mistakes("{\"a\": 1e999, \"b\": [1e999}\n{\"a\": [1e999\n{\"name\": \"x\" 1e999}\n{\"a\": 1e999"),
              {"f:1: is no JSON: syntax error while parsing array - unexpected '}'; expected ']'",
               "f:3: is no JSON: syntax error while parsing array - unexpected '{'; expected ']' (in the "
               "object that begins at line 2)",
               "f:3: is no JSON: syntax error while parsing object - unexpected number literal; expected '}'",
               "f:4: is no JSON: syntax error while parsing object - unexpected end of input; expected '}'"});
}

BOOST_AUTO_TEST_CASE(a_number_that_overflows_stays_one_when_it_is_read_again) {
  // GIVEN an object that is broken, with a line inside it that is taken for the next one
  CHECK_TEXTS(mistakes("{\"name\": 1e999, \"input\": [\n{\"name\": 2e999}\n}"),
              {"f:2: operator is required", "f:2: input is required",
               "f:2: name = 2e999: must be a string of 1 to 1000 bytes without control characters",
               "f:3: \"}\" stands behind the object that ends at line 2; a file has one object, or one a "
               "line",
               "f:3: is no JSON: syntax error while parsing array - unexpected '}'; expected ']' (in the "
               "object that begins at line 1)"});
}

BOOST_AUTO_TEST_CASE(what_was_read_last_is_not_said_in_other_words_than_the_files) {
  CHECK_TEXTS(mistakes("{\"a\": 1e999 x}"),
              {"f:1: is no JSON: syntax error while parsing object - invalid literal"});
}

BOOST_AUTO_TEST_CASE(many_numbers_that_overflow_are_read_in_one_go) {
  std::string content = R"({"name": "n", "operator": {"mode": "ordered"}, "input": [)";
  for (int i = 0; i < 100'000; ++i)
    content += "1e999,";
  BOOST_TEST(mistakes(content + "7]}").size() == 1'001u);
}

BOOST_AUTO_TEST_CASE(times_that_would_overflow_are_mistakes) {
  CHECK_TEXTS(input(R"({"at": 9223372036854775807, "record": 9223372036854775807, "ts": -9223372036854775808},
                       {"at": 99999999999999999999, "record": 18446744073709551615}, {"at": 1e3, "end": true})"),
              {"f:1: input[0].at = 9223372036854775807: must be a whole number from 0 to 1000000000000",
               "f:1: input[0].record = 9223372036854775807: must be a whole number from "
               "-4611686018427387903 to 4611686018427387903",
               "f:1: input[0].ts = -9223372036854775808: must be a whole number from -4611686018427387903 "
               "to 4611686018427387903",
               "f:2: input[1].at = 99999999999999999999: must be a whole number from 0 to 1000000000000",
               "f:2: input[1].record = 18446744073709551615: must be a whole number from "
               "-4611686018427387903 to 4611686018427387903",
               "f:2: input[2].at = 1e3: must be a whole number from 0 to 1000000000000"});
}

BOOST_AUTO_TEST_CASE(a_file_that_holds_nothing_is_a_mistake) {
  for (const auto* content : {"", " \n\t", "\n"}) {
    CHECK_TEXTS(mistakes(content), {"f: holds no scenario"});
    CHECK_TEXTS(trace_mistakes(content), {"f: holds no trace"});
  }
}

// -- what is no JSON --

BOOST_AUTO_TEST_CASE(a_broken_line_does_not_hide_those_behind_it) {
  const auto read = parse_scenarios("{\"name\": \"n\",\n" + one_line + "\n{]\n[1]\nnull\n" + one_line + " x\n"
                                      + one_line,
                                    "f");
  BOOST_TEST(read.all.size() == 3u);
  CHECK_TEXTS(texts_of(read.mistakes),
              {"f:2: is no JSON: syntax error while parsing object key - unexpected '{'; expected string "
               "literal (in the object that begins at line 1)",
               "f:3: is no JSON: syntax error while parsing object key - unexpected ']'; expected string "
               "literal",
               "f:6: \"x\" stands behind the object that ends at line 6; a file has one object, or one a "
               "line"});
}

BOOST_AUTO_TEST_CASE(what_stands_behind_an_object_is_said) {
  const auto behind = [](const std::string& line, const std::string& what, const std::string& end = "1") {
    return "f:" + line + ": \"" + what + "\" stands behind the object that ends at line " + end
           + "; a file has one object, or one a line";
  };
  const auto said = [](const std::string& what) {
    const auto read = parse_scenarios(one_line + what, "f");
    BOOST_TEST(read.all.size() == 1u);
    return texts_of(read.mistakes);
  };
  CHECK_TEXTS(said("}\n"), {behind("1", "}")});
  CHECK_TEXTS(said(",\r\n"), {behind("1", ",")});
  CHECK_TEXTS(said("\n\n \t and so on \nmore\n"), {behind("3", "and so on")});
  CHECK_TEXTS(said("\n}\n]"), {behind("2", "}")});
  CHECK_TEXTS(said("\n\"x\x1b\x01\""), {behind("2", "\"x??\"")});
  CHECK_TEXTS(said(" {\"name\": \"m\", \"operator\": {\"mode\": \"ordered\"}}"),
              {behind("1", "{\"name\": \"m\", \"operator\": {\"mode\": \"orde...")});
  CHECK_TEXTS(said("\nnull\n7\n"), {behind("2", "null")});
}

BOOST_AUTO_TEST_CASE(what_stands_behind_an_object_does_not_hide_the_next_line) {
  const auto read = parse_scenarios(one_line + "\nx\n" + one_line + ", y\n" + one_line, "f");
  BOOST_TEST(read.all.size() == 3u);
  BOOST_TEST(read.mistakes.size() == 2u);
}

BOOST_AUTO_TEST_CASE(an_array_of_objects_is_one_mistake) {
  CHECK_TEXTS(mistakes("[" + one_line + ",\n" + one_line + "]\n"), {"f:1: must be an object, and is an array"});
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_a_mistake) {
  CHECK_TEXTS(mistakes("[]"), {"f:1: must be an object, and is an array"});
  for (const auto* text : {"7", "null", "\"x\"", "true"})
    CHECK_TEXTS(mistakes(text), {"f:1: must be an object"});
}

BOOST_AUTO_TEST_CASE(deep_nesting_and_huge_numbers_are_mistakes) {
  CHECK_TEXTS(mistakes("{\"name\": " + std::string(1'000'000, '[')),
              {"f:1: is nested deeper than 16 levels"});
  const auto digits = mistakes("{\"name\": " + std::string(100'000, '9') + "}");
  BOOST_REQUIRE(digits.size() == 3u);
  BOOST_TEST(digits[2].starts_with("f:1: name = 999"));
  BOOST_TEST(digits[2].size() < 400u);
}

BOOST_AUTO_TEST_CASE(any_bytes_are_only_mistakes) {
  for (const auto* text : {"\xff\xfe", "{\"\xc3\": 1}", "\x1b[31m", "{\"name\": \"\x01\"}", "{\"a\"", "\"", "{"}) {
    const auto said = mistakes(text);
    BOOST_REQUIRE(said.size() == 1u);
    BOOST_TEST(said[0].find('\x1b') == std::string::npos);
  }
  BOOST_TEST(!mistakes(std::string("{\0}", 3)).empty());
  BOOST_TEST(mistakes(R"({"name": "\u001b[31m", "operator": {"mode": "ordered"}, "input": []})").size() == 1u);
}

BOOST_AUTO_TEST_CASE(mistakes_are_bounded) {
  std::string content;
  for (int i = 0; i < 5'000; ++i)
    content += "{]\n";
  const auto said = mistakes(content);
  BOOST_TEST(said.size() == 1'001u);
  BOOST_TEST(said.back() == "f: has more mistakes than are named here");
}

BOOST_AUTO_TEST_CASE(values_of_one_object_are_bounded) {
  std::string content = "{\"input\": [0";
  for (int i = 0; i < 1'000'000; ++i)
    content += ",0";
  CHECK_TEXTS(mistakes(content), {"f:1: has more than 1000000 values in one object"});
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_are_mistakes) {
  const weir::testing::temp_folder folder;
  const auto good_path = folder.write("good", one_line);
  const auto read = load_scenarios({folder.path("none"), folder.path(), good_path});
  BOOST_TEST(read.all.size() == 1u);
  CHECK_TEXTS(texts_of(read.mistakes),
              {folder.path("none") + ": cannot be read: No such file or directory",
               folder.path() + ": cannot be read: Is a directory"});
}

// -- traces --

BOOST_AUTO_TEST_CASE(every_key_of_a_trace_is_read) {
  const auto read = parse_traces(
    R"({"name": "t", "output": [{"at": 1, "value": 2, "ts": 3}, {"at": 1, "watermark": 4},
        {"at": 1, "status": "active"}, {"at": 1, "barrier": 5},
        {"at": 1, "dead_letter": 6, "error": "io", "attempts": 0}],
        "calls": [{"at": 7, "record": 8, "attempt": 9}],
        "failed": {"at": 10, "error": "io", "record": 11}}
       {"name": "u", "output": [], "compare": "output"})",
    "f");
  BOOST_TEST(texts_of(read.mistakes) == texts{}, boost::test_tools::per_element());
  BOOST_REQUIRE(!read.all.empty());
  const auto& t = read.all.front().what;
  BOOST_TEST((t.output[0] == trace_output{1, value_leaves{2, 3}}));
  BOOST_TEST((t.output[4] == trace_output{1, dead_letter_leaves{6, "io", 0}}));
  BOOST_TEST((t.calls[0] == trace_call{7, 8, 9}));
  BOOST_TEST((t.failed == trace_failure{10, "io", 11}));
  BOOST_TEST(!t.compare_output_alone);
  BOOST_TEST(read.all.back().what.compare_output_alone);
}

BOOST_AUTO_TEST_CASE(mistakes_of_a_trace_are_named) {
  CHECK_TEXTS(trace_mistakes(R"({"name": "t", "outputs": [], "calls": [{"at": 1, "record": 1}], "failed": 3})"),
              {"f:1: outputs = []: is no key that weir knows here (did you mean \"output\"?)",
               "f:1: calls[0].attempt is required", "f:1: failed = 3: must be null or an object"});
  CHECK_TEXTS(trace_mistakes(R"({"name": "t", "output": [{"at": -1, "value": 1, "watermark": 2}, 5],
                                "calls": 1, "compare": "calls"})"),
              {"f:1: output[0] must have one of \"value\", \"watermark\", \"status\", \"barrier\" and "
               "\"dead_letter\"",
               "f:1: output[0].at = -1: must be a whole number from 0 to 4000000000000",
               "f:1: output[1] = 5: must be an object", "f:2: calls = 1: must be an array",
               "f:2: compare = \"calls\": must be \"output\""});
}

BOOST_AUTO_TEST_SUITE_END()
