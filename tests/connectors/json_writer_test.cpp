// SPDX-License-Identifier: Apache-2.0

#include "weir/json_writer.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <memory>
#include <random>
#include <string>

namespace {

std::string json_of(const weir::value& x) {
  std::string out;
  append_json(out, x);
  return out;
}

std::string string_of(std::string_view text) {
  std::string out;
  weir::append_json_string(out, text);
  return out;
}

const std::string instead = "\xef\xbf\xbd";

} // namespace

BOOST_AUTO_TEST_SUITE(json_writer)

BOOST_AUTO_TEST_CASE(each_kind_of_value_has_its_form) {
  BOOST_TEST(json_of(std::monostate{}) == "null");
  BOOST_TEST(json_of(true) == "true");
  BOOST_TEST(json_of(false) == "false");
  BOOST_TEST(json_of(std::int64_t{-42}) == "-42");
  BOOST_TEST(json_of(INT64_MIN) == "-9223372036854775808");
  BOOST_TEST(json_of(std::string{"Chicago O'Hare"}) == "\"Chicago O'Hare\"");
  BOOST_TEST(json_of(weir::raw_json{"{\"a\": 1.00}"}) == "{\"a\": 1.00}");
}

BOOST_AUTO_TEST_CASE(reals_have_the_shortest_form_that_reads_back) {
  BOOST_TEST(json_of(41.979595) == "41.979595");
  BOOST_TEST(json_of(0.1) == "0.1");
  BOOST_TEST(json_of(-0.0) == "-0.0");
  BOOST_TEST(json_of(0.0) == "0");
  BOOST_TEST(json_of(5.0) == "5");
  BOOST_TEST(json_of(1e300) == "1e+300");
  BOOST_TEST(json_of(5e-324) == "5e-324");
  BOOST_TEST(json_of(std::nan("")) == "null");
  BOOST_TEST(json_of(-std::numeric_limits<double>::infinity()) == "null");
}

BOOST_AUTO_TEST_CASE(any_real_reads_back_as_the_same_number) {
  std::mt19937_64 random{20260101};
  for (int i = 0; i < 20'000; ++i) {
    const auto number = std::bit_cast<double>(random());
    if (!std::isfinite(number))
      continue;
    const auto text = json_of(number);
    const auto back = nlohmann::json::parse(text);
    BOOST_TEST_REQUIRE(back.is_number(), text);
    BOOST_TEST_REQUIRE(back.get<double>() == number, text);
  }
}

BOOST_AUTO_TEST_CASE(strings_are_escaped_where_they_must_be) {
  BOOST_TEST(string_of("\"\\/\b\f\n\r\t") == R"("\"\\/\b\f\n\r\t")");
  BOOST_TEST(string_of(std::string{"\0\x01\x1f\x7f", 4}) == "\"\\u0000\\u0001\\u001f\x7f\"");
  BOOST_TEST(string_of("S\xc3\xa3o Paulo \xf0\x9f\x9b\xab")
             == "\"S\xc3\xa3o Paulo \xf0\x9f\x9b\xab\"");
}

BOOST_AUTO_TEST_CASE(bytes_that_are_not_utf8_are_replaced) {
  BOOST_TEST(string_of("a\xff"
                       "b")
             == "\"a" + instead + "b\"");
  // A character cut off is one part, at the end and in the middle.
  BOOST_TEST(string_of("\xf0\x9f\x9b") == "\"" + instead + "\"");
  BOOST_TEST(string_of("\xe2\x82x") == "\"" + instead + "x\"");
  // Over-long forms, surrogates, beyond U+10FFFF: each byte on its own.
  BOOST_TEST(string_of("\xc0\xaf") == "\"" + instead + instead + "\"");
  BOOST_TEST(string_of("\xe0\x80\xaf") == "\"" + instead + instead + instead + "\"");
  BOOST_TEST(string_of("\xed\xa0\x80") == "\"" + instead + instead + instead + "\"");
  BOOST_TEST(string_of("\xf4\x90\x80\x80") == "\"" + instead + instead + instead + instead + "\"");
}

BOOST_AUTO_TEST_CASE(any_bytes_become_a_string_that_others_read) {
  std::mt19937 random{7};
  for (int i = 0; i < 5'000; ++i) {
    std::string bytes(random() % 12, '\0');
    for (auto& c : bytes)
      c = static_cast<char>(random() % 4 == 0 ? random() % 128 : random());
    const auto ours = nlohmann::json::parse(string_of(bytes));
    // The judge replaces in the same way.
    const auto theirs
      = nlohmann::json(bytes).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    BOOST_TEST_REQUIRE(ours == nlohmann::json::parse(theirs));
  }
}

BOOST_AUTO_TEST_CASE(blobs_are_base64) {
  BOOST_TEST(json_of(weir::blob{""}) == R"("")");
  BOOST_TEST(json_of(weir::blob{"f"}) == R"("Zg==")");
  BOOST_TEST(json_of(weir::blob{"fo"}) == R"("Zm8=")");
  BOOST_TEST(json_of(weir::blob{"foo"}) == R"("Zm9v")");
  BOOST_TEST(json_of(weir::blob{"\xfb\xff\xfe\xff"}) == R"("+//+/w==")");
}

BOOST_AUTO_TEST_CASE(rows_are_objects_in_the_columns_order) {
  weir::answer answer;
  answer.columns = weir::column_names::of({"name", "a\"b"});
  std::string out;
  append_json_rows(out, answer);
  BOOST_TEST(out == "[]");
  answer.cells = {std::string{"DTW"}, std::int64_t{1}, std::monostate{}, 2.5};
  out.clear();
  append_json_row(out, answer, 1);
  BOOST_TEST(out == R"({"name":null,"a\"b":2.5})");
  out.clear();
  append_json_rows(out, answer);
  BOOST_TEST(out == R"([{"name":"DTW","a\"b":1},{"name":null,"a\"b":2.5}])");
}

BOOST_AUTO_TEST_SUITE_END()
