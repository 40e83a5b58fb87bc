// SPDX-License-Identifier: Apache-2.0

// What the source makes of lines, good and bad.

#include "weir/ndjson_source.hpp"

#include "ndjson_source_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>

namespace {

using weir::testing::collecting_output;
using weir::testing::ndjson_source_fixture;

} // namespace

BOOST_FIXTURE_TEST_SUITE(ndjson_source, ndjson_source_fixture)

BOOST_AUTO_TEST_CASE(each_line_is_a_record_with_its_place) {
  BOOST_TEST(read("{\"a\":1}\n\n {\"b\": 2} \r\n\r\n{}")
             == "1 0/0 {\"a\":1}\n3 0/9  {\"b\": 2} \n5 0/23 {}\nend\n");
  BOOST_TEST(read("") == "end\n");
  BOOST_TEST(read("\xef\xbb\xbf{}\n") == "1 0/3 {}\nend\n");
}

BOOST_AUTO_TEST_CASE(all_that_json_allows_is_taken) {
  for (const auto* line : {R"({"n":123456789012345678901234567890,"m":-0.0e-999,"o":1E+999})",
                           R"({"s":"\ud800\u0000\"\\\/\b\f\n\r\t","s":"twice"})",
                           "\t{ \"a\" : [ ] , \"b\" : [ { } , null , true , false , -0 ] }",
                           "{\"S\xc3\xa3o\":\"\xf0\x9f\x9b\xab\x7f\"}"})
    BOOST_TEST(read(line) == "1 0/0 " + std::string{line} + "\nend\n");
}

BOOST_AUTO_TEST_CASE(what_is_no_json_object_is_refused_with_its_cause) {
  for (const auto* line : {"x",
                           "{",
                           "}",
                           "{}}",
                           "{} {}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\":1 \"b\":2}",
                           "{\"a\":[1,]}",
                           "{\"a\":01}",
                           "{\"a\":1.}",
                           "{\"a\":.5}",
                           "{\"a\":+1}",
                           "{\"a\":1e}",
                           "{\"a\":-}",
                           "{\"a\":NaN}",
                           "{\"a\":nul}",
                           "{\"a\":\"\t\"}",
                           "{\"a\":\"\\x\"}",
                           "{\"a\":\"\\u12g4\"}",
                           "{\"a\":\"\\ud800\\x\"}",
                           "{\"a\":\"b}",
                           "{\"a\":123456789012345678901.}",
                           "{\"a\":1}//"})
    BOOST_TEST(cause(line).find("is not JSON") != std::string::npos, line << ": " << cause(line));
  BOOST_TEST(cause("[1]") == "is not a JSON object but an array");
  BOOST_TEST(cause("null") == "is not a JSON object but null");
  BOOST_TEST(cause("17") == "is not a JSON object but a number");
  BOOST_TEST(cause("  ") == "holds nothing but white space");
}

BOOST_AUTO_TEST_CASE(the_fault_is_named_and_not_the_large_number_beside_it) {
  for (const auto* large : {"123456789012345678901", "1e999"})
    BOOST_TEST(cause("{\"a\":" + std::string{large} + ",}")
               == "is not JSON: a comma, colon, bracket or name is missing or too many");
}

BOOST_AUTO_TEST_CASE(what_is_not_utf8_is_refused) {
  BOOST_TEST(cause("{\"a\":\"\xff\"}") == "is not UTF-8");
  BOOST_TEST(cause("{\"a\":\"\xed\xa0\x80\"}") == "is not UTF-8");
  BOOST_TEST(cause("{\"a\":\"\xc3\"}") == "is not UTF-8");
  BOOST_TEST(cause("{\"a\":01,\"b\":\"\xff\"}") == "is not UTF-8");
}

BOOST_AUTO_TEST_CASE(nesting_has_a_bound) {
  const auto nested
    = [](std::size_t n) { return "{\"a\":" + std::string(n, '[') + std::string(n, ']') + "}"; };
  BOOST_TEST(read(nested(1000)).ends_with("\nend\n"));
  BOOST_TEST(cause(nested(100'000)) == "is nested more than 1,024 deep");
}

BOOST_AUTO_TEST_CASE(a_bad_record_fails_the_job_after_those_before_it) {
  BOOST_TEST(read("{}\n\r\nnonsense\n{}\n")
             == "1 0/0 {}\nin.ndjson:3 (offset 5): is not JSON: a word is none of true, "
                "false, null; correct the line, or let on_bad_record leave such lines out "
                "(bad_record)\n");
}

BOOST_AUTO_TEST_CASE(bad_records_are_skipped_and_counted) {
  options.on_bad_record = weir::bad_record_action::skip;
  BOOST_TEST(read("x\n{\"a\":1}\n[]\n\n{}\ny") == "2 0/2 {\"a\":1}\n5 0/14 {}\nend\n");
  BOOST_TEST(skipped == 3u);
}

BOOST_AUTO_TEST_CASE(bad_records_become_dead_letters_as_they_came) {
  options.on_bad_record = weir::bad_record_action::dead_letter;
  options.max_line = 10;
  BOOST_TEST(read("{}\n[\xff]\r\n{\"a\":123456789}\n{\"a\":1}\n")
             == "1 0/0 {}\n4 0/24 {\"a\":1}\n"
                "dead 2 0/3 '[\xff]' in.ndjson:2 (offset 3): is not UTF-8 (bad_record)\n"
                "dead 3 0/8 '{\"a\":12345' in.ndjson:3 (offset 8): is 15 bytes long, more than "
                "max_line = 10 (bad_record)\nend\n");
  BOOST_TEST(skipped == 0u);
}

BOOST_AUTO_TEST_CASE(without_an_output_for_dead_letters_a_bad_record_fails_the_job) {
  options.on_bad_record = weir::bad_record_action::dead_letter;
  options.path = folder.write("in.ndjson", "x\n");
  weir::ndjson_source source{options};
  BOOST_TEST(source.open({}).has_value());
  collecting_output<weir::json_record> records;
  weir::source_outputs out{records};
  BOOST_TEST(!source.poll(out).has_value());
}

BOOST_AUTO_TEST_CASE(a_line_longer_than_a_buffer_is_taken_up_to_the_bound) {
  const std::string value(1'000'000, 'x');
  const auto line = "{\"a\":\"" + value + "\"}";
  BOOST_TEST(read(line + "\n{}\n") == "1 0/0 " + line + "\n2 0/1000009 {}\nend\n");
  options.max_line = line.size() - 1;
  options.on_bad_record = weir::bad_record_action::skip;
  BOOST_TEST(read(line + "\n{}\n") == "2 0/1000009 {}\nend\n");
}

BOOST_AUTO_TEST_CASE(timestamps_are_rfc3339_or_milliseconds) {
  options.timestamp = "date";
  BOOST_TEST(
    read("{\"date\":\"2001-01-01T00:47:00Z\"}\n{\"date\":-5}\n{\"date\":978310020000.0}\n"
         "{\"date\":9.7831002e11}\n")
    == "1 0/0 t=978310020000 {\"date\":\"2001-01-01T00:47:00Z\"}\n2 0/32 t=-5 {\"date\":-5}\n"
       "3 0/44 t=978310020000 {\"date\":978310020000.0}\n"
       "4 0/68 t=978310020000 {\"date\":9.7831002e11}\nend\n");
  options.timestamp = "/a/0";
  BOOST_TEST(read("{\"a\":[7]}\n") == "1 0/0 t=7 {\"a\":[7]}\nend\n");
}

BOOST_AUTO_TEST_CASE(a_bad_timestamp_is_a_bad_record) {
  options.timestamp = "t";
  BOOST_TEST(cause("{}") == "has no timestamp: field \"t\" is missing");
  BOOST_TEST(
    cause(R"({"t":"yesterday"})")
    == "has a bad timestamp: field \"t\": 'yesterday' is not written as RFC 3339 has it, like "
       "2001-01-01T00:47:00Z");
  for (const auto* wrong : {"null", "true", "{}", "[]", "1.5", "1e99", "\"978310020000\"",
                            "978310020000000", "18446744073709551615"}) {
    const auto line = "{\"t\":" + std::string{wrong} + "}";
    BOOST_TEST(cause(line).starts_with("has a bad timestamp: field \"t\": "), line);
  }
  for (const auto* line : {R"({"t":1e999})", R"({"t":-1e999,"a":[]})"})
    BOOST_TEST(cause(line)
               == "has a bad timestamp: field \"t\" is a number that no double can hold");
}

BOOST_AUTO_TEST_SUITE_END()
