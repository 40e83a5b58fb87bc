// SPDX-License-Identifier: Apache-2.0

#include "weir/json_record.hpp"

#include "weir/held_bytes.hpp"
#include "weir/record_codec.hpp"

#include "../serialization/archive_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <new>
#include <string>

namespace {

std::string line_of(const weir::json_record& record) {
  std::string line;
  append_json_text(line, record);
  return line;
}

weir::json_record with_x(std::string raw) {
  weir::json_record record{std::move(raw), {}, 1};
  append_member(record, "x", "1");
  return record;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_record)

BOOST_AUTO_TEST_CASE(an_untouched_record_comes_out_as_it_came_in) {
  const std::string raw
    = R"( { "b" : 1.50e+01 , "a":"\u00e9\/", "b":null, "n":12345678901234567890123 } )";
  BOOST_TEST(line_of({raw + "\t ", {}, 1}) == raw.substr(0, raw.size() - 1));
}

BOOST_AUTO_TEST_CASE(members_stand_behind_what_was_there) {
  BOOST_TEST(line_of(with_x(R"({"a":1})")) == R"({"a":1,"x":1})");
  BOOST_TEST(line_of(with_x(R"({"a":{"b":{}}})")) == R"({"a":{"b":{}},"x":1})");
  BOOST_TEST(line_of(with_x(R"({"a":"}{"})")) == R"({"a":"}{","x":1})");
  BOOST_TEST(line_of(with_x("{\"a\":1 \t} \r")) == R"({"a":1,"x":1})");
}

BOOST_AUTO_TEST_CASE(an_empty_object_gets_no_leading_comma) {
  BOOST_TEST(line_of(with_x("{}")) == R"({"x":1})");
  BOOST_TEST(line_of(with_x(" {  } ")) == R"( {"x":1})");
  auto two = with_x("{}");
  append_member(two, "y", "[]");
  BOOST_TEST(line_of(two) == R"({"x":1,"y":[]})");
}

BOOST_AUTO_TEST_CASE(a_name_may_hold_any_character) {
  weir::json_record record{"{}", {}, 1};
  begin_member(record, "a\"b\\c\n/\xc3\xa9");
  record.appended += "null";
  BOOST_TEST(line_of(record) == "{\"a\\\"b\\\\c\\n/\xc3\xa9\":null}");
}

BOOST_AUTO_TEST_CASE(the_line_is_appended_to_what_is_there) {
  std::string out = "before\n";
  append_json_text(out, with_x("{}"));
  BOOST_TEST(out == "before\n{\"x\":1}");
}

BOOST_AUTO_TEST_CASE(a_record_counts_the_memory_of_both_texts) {
  const weir::json_record small{"{}", {}, 1};
  BOOST_TEST(weir::value_bytes(small) == sizeof(small));
  const weir::json_record large{std::string(1000, 'x'), std::string(500, 'y'), 1};
  BOOST_TEST(weir::value_bytes(large) >= sizeof(large) + 1500);
}

BOOST_AUTO_TEST_CASE(a_place_names_file_line_and_offset) {
  BOOST_TEST(weir::record_place("flights.ndjson", 17, 1234) == "flights.ndjson:17 (offset 1234)");
}

BOOST_FIXTURE_TEST_CASE(records_can_be_stored, weir::testing::archive_fixture) {
  const auto* codec = weir::find_record_codec(typeid(weir::json_record));
  BOOST_TEST_REQUIRE(codec != nullptr);
  BOOST_TEST(codec->name == "weir.json_record");
  BOOST_TEST(weir::find_record_codec(typeid(weir::dead_letter<weir::json_record>))->name
             == "dead_letter<weir.json_record>");
  const auto record = with_x("{\"a\": 1}");
  const auto bytes = written([&](weir::state_output& to) { codec->save(to, &record); });
  BOOST_TEST(bytes == "\x08{\"a\": 1}\x06,\"x\":1\x01");
  const auto why = fault(bytes, [&](weir::state_input& from) {
    alignas(weir::json_record) std::byte raw[sizeof(weir::json_record)];
    codec->load(from, raw, 1);
    BOOST_TEST((*std::launder(reinterpret_cast<weir::json_record*>(raw)) == record));
    codec->destroy(raw);
  });
  BOOST_TEST(why == "");
}

BOOST_AUTO_TEST_SUITE_END()
