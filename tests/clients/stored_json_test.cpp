// SPDX-License-Identifier: Apache-2.0

#include "stored_json.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <variant>

namespace weir::testing {

namespace {

/// The members as one text: a letter for each kind of value.
std::string text_of(const detail::stored_json::members& all) {
  std::string text;
  for (const auto& [name, cell] : all) {
    text += (text.empty() ? "" : " ") + name + "=";
    if (const auto* const whole = std::get_if<std::int64_t>(&cell))
      text += "i" + std::to_string(*whole);
    else if (const auto* const real = std::get_if<double>(&cell))
      text += "d" + std::to_string(*real);
    else if (const auto* const string = std::get_if<std::string>(&cell))
      text += "s" + *string;
    else if (const auto* const truth = std::get_if<bool>(&cell))
      text += *truth ? "true" : "false";
    else if (const auto* const raw = std::get_if<raw_json>(&cell))
      text += "r" + raw->text;
    else
      text += "null";
  }
  return text;
}

std::string read(std::string_view json, std::string_view pointer = {}) {
  static detail::stored_json reader;
  detail::stored_json::members all;
  const auto wrong = reader.read(json, pointer, all);
  return wrong.empty() ? text_of(all) : "! " + wrong;
}

} // namespace

BOOST_AUTO_TEST_SUITE(stored_jsons)

BOOST_AUTO_TEST_CASE(members_of_an_object) {
  BOOST_TEST(read(R"( {"a": 1, "b": "x\u00e9\n", "c": null, "d": true, "e": false} )")
             == "a=i1 b=sx\u00e9\n c=null d=true e=false");
  BOOST_TEST(read("{}") == "");
}

BOOST_AUTO_TEST_CASE(documents_keep_their_text_and_lose_their_line_breaks) {
  BOOST_TEST(read("{\"a\": {\"z\" : 1.50,\r\n \"b c\" : [ 1 , 2 ]\n} , \"l\":[ ]\n}")
             == R"(a=r{"z":1.50,"b c":[1,2]} l=r[])");
  BOOST_TEST(read(R"({"a": ["two  blanks", "\" , \""]})") == R"(a=r["two  blanks","\" , \""])");
}

BOOST_AUTO_TEST_CASE(numbers_keep_their_digits) {
  BOOST_TEST(read(R"({"a": 9223372036854775807, "b": 9223372036854775808, "c": -0, "d": 1.5, "e": 1.50, "f": 1e3,
                      "g": 0.1234567890123456789, "h": -3, "i": 40.63992778 })")
             == "a=i9223372036854775807 b=d9223372036854775808.000000 c=d-0.000000 d=d1.500000 e=r1.50 f=r1e3 "
                "g=r0.1234567890123456789 h=i-3 i=d40.639928");
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_a_member_without_a_name) {
  BOOST_TEST(read("7") == "=i7");
  BOOST_TEST(read(" 7.50 ") == "=r7.50");
  BOOST_TEST(read("\"text\"") == "=stext");
  BOOST_TEST(read("null") == "=null");
  BOOST_TEST(read("true") == "=true");
  BOOST_TEST(read("[1, 2]") == "=r[1,2]");
}

BOOST_AUTO_TEST_CASE(a_pointer_leads_to_a_part) {
  const auto* const document = R"({"a": {"b": [{"c": 1}, 2]}, "n": null, "": 5})";
  BOOST_TEST(read(document, "/a/b/0") == "c=i1");
  BOOST_TEST(read(document, "/a/b/1") == "=i2");
  BOOST_TEST(read(document, "/a/b") == "=r[{\"c\":1},2]");
  BOOST_TEST(read(document, "/n") == "=null");
  BOOST_TEST(read(document, "/") == "=i5");
  for (const auto* const nowhere : {"/x", "/a/b/2", "/a/b/x", "/n/x", "/a/b/1/x"})
    BOOST_TEST(read(document, nowhere) == "", nowhere);
}

BOOST_AUTO_TEST_CASE(what_is_no_json_says_why) {
  for (const std::string broken : {"", " ", "{", "{\"a\":}", "{\"a\":1}}", "nul", "{\"a\": 01}", "\"\xff\"", "[1,]", "1 2",
                                   "{\"a\": \"\\ud800\"}"})
    BOOST_TEST(read(broken).starts_with("! is no valid JSON: "), broken << " gave " << read(broken));
  detail::stored_json reader;
  detail::stored_json::members all;
  BOOST_TEST(reader.read_object("[1]", all) == "is no JSON object");
  BOOST_TEST(reader.read_object("1", all) == "is no JSON object");
}

BOOST_AUTO_TEST_CASE(what_is_a_number) {
  for (const auto* const good : {"0", "-1", "10", "1.0", "0.5", "1e5", "1E+5", "-1.5e-3", "123456789012345678901234567890"}) {
    value into;
    BOOST_TEST(detail::number_of(good, into), good);
  }
  for (const auto* const bad :
       {"", "-", "01", "1.", ".5", "1e", "1e+", "+1", " 1", "1 ", "0x1", "NaN", "Infinity", "1.2.3", "--1"}) {
    value into;
    BOOST_TEST(!detail::number_of(bad, into), bad);
  }
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
