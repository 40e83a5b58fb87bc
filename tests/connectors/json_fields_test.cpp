// SPDX-License-Identifier: Apache-2.0

#include "weir/json_fields.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace {

using values = weir::value_list;

weir::json_record record(std::string raw) {
  return {std::move(raw), {}, 1};
}

/// The key's value, or the error's text as a raw_json, so that one line shows either.
weir::value read(const std::string& key, const std::string& raw) {
  weir::json_fields fields{{key}};
  values result;
  if (auto ok = fields.read(record(raw), result); !ok)
    return weir::raw_json{ok.why().text()};
  BOOST_TEST_REQUIRE(result.size() == 1u);
  return result[0];
}

bool is(const weir::value& x, const weir::value& y) {
  return x == y;
}

bool fails(const weir::value& x, std::string_view with) {
  const auto* text = std::get_if<weir::raw_json>(&x);
  if (text == nullptr)
    return false;
  BOOST_TEST_MESSAGE(text->text);
  return text->text.find(with) != std::string::npos && text->text.ends_with("(bad_record)");
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_fields)

BOOST_AUTO_TEST_CASE(scalars_keep_their_kind) {
  BOOST_TEST(is(read("a", R"({"a":"DTW"})"), std::string{"DTW"}));
  BOOST_TEST(is(read("a", R"({"a":"\u00e9\n\/"})"), std::string{"\xc3\xa9\n/"}));
  BOOST_TEST(is(read("a", R"({"a":-9223372036854775808})"), INT64_MIN));
  BOOST_TEST(is(read("a", R"({"a":1.0})"), 1.0));
  BOOST_TEST(is(read("a", R"({"a":1e2})"), 100.0));
  BOOST_TEST(is(read("a", R"({"a":true})"), true));
  BOOST_TEST(is(read("a", R"({"a":null})"), std::monostate{}));
}

BOOST_AUTO_TEST_CASE(integers_beyond_64_bits_are_the_nearest_real) {
  BOOST_TEST(is(read("a", R"({"a":9223372036854775808})"), 9223372036854775808.0));
  BOOST_TEST(is(read("a", R"({"a":-9223372036854775809})"), -9223372036854775808.0));
  BOOST_TEST(
    is(read("a", R"({"a":123456789012345678901234567890})"), 123456789012345678901234567890.0));
  // A number of that kind somewhere else changes nothing.
  BOOST_TEST(is(read("a", R"({"b":123456789012345678901234567890,"a":9007199254740993})"),
                std::int64_t{9007199254740993}));
  BOOST_TEST(is(read("a", R"({"b":[1e999,-1e999,1E+400],"a":"1e999"})"), std::string{"1e999"}));
  BOOST_TEST(fails(read("a", R"({"a":1e999})"), "is a number that no double can hold"));
  BOOST_TEST(fails(read("a", R"({"b":1e999,"a":[1]})"), "is an array; a key"));
  BOOST_TEST(fails(read("/a/0", R"({"a":1e999})"), "is missing"));
}

BOOST_AUTO_TEST_CASE(half_a_surrogate_pair_is_a_replacement_character) {
  BOOST_TEST(is(read("a", R"({"a":"x\ud800y"})"), std::string{"x\xef\xbf\xbdy"}));
  BOOST_TEST(is(read("a", R"({"a":"\udc00\ud83d\udeeb\\\ud800"})"),
                std::string{"\xef\xbf\xbd\xf0\x9f\x9b\xab\\\xef\xbf\xbd"}));
  BOOST_TEST(is(read("a", R"({"\ud800":1,"a":"\\ud800"})"), std::string{"\\ud800"}));
}

BOOST_AUTO_TEST_CASE(a_name_may_hold_any_character) {
  BOOST_TEST(is(read("a.b c~", R"({"a.b c~":1})"), std::int64_t{1}));
  BOOST_TEST(is(read("", R"({"":1})"), std::int64_t{1}));
  BOOST_TEST(is(read("\"\\\xc3\xa9", R"({"\"\\\u00e9":1})"), std::int64_t{1}));
  BOOST_TEST(is(read("a/b", R"({"a/b":1})"), std::int64_t{1}));
}

BOOST_AUTO_TEST_CASE(of_two_members_with_one_name_the_first_counts) {
  BOOST_TEST(is(read("a", R"({"b":0,"a":1,"a":2})"), std::int64_t{1}));
  BOOST_TEST(is(read("/a/c", R"({"a":{"c":1,"c":2},"a":{"c":3}})"), std::int64_t{1}));
}

BOOST_AUTO_TEST_CASE(a_pointer_goes_down) {
  const auto* raw = R"({"a":{"b":[10,{"c~/d":"x"}]},"/":7,"":{"":8}})";
  BOOST_TEST(is(read("/a/b/0", raw), std::int64_t{10}));
  BOOST_TEST(is(read("/a/b/1/c~0~1d", raw), std::string{"x"}));
  BOOST_TEST(is(read("/~1", raw), std::int64_t{7}));
  BOOST_TEST(is(read("//", raw), std::int64_t{8}));
  for (const auto* missing : {"/a/b/2", "/a/b/01", "/a/b/-", "/a/b/x", "/a/b/", "/a/x", "/a/b/0/x"})
    BOOST_TEST(fails(read(missing, raw), "is missing"), missing);
}

BOOST_AUTO_TEST_CASE(a_pointer_that_runs_into_null_is_null) {
  BOOST_TEST(is(read("/a/b/c", R"({"a":null})"), std::monostate{}));
  BOOST_TEST(is(read("/a/0/c", R"({"a":[null]})"), std::monostate{}));
  BOOST_TEST(fails(read("/a/b/c", R"({"b":null})"), "is missing"));
}

BOOST_AUTO_TEST_CASE(what_is_no_key_is_a_bad_record_that_names_the_field) {
  BOOST_TEST(fails(read("origin", R"({"a":1})"), "field \"origin\": is missing"));
  BOOST_TEST(fails(read("origin", R"({"origin":{}})"), "field \"origin\": is an object"));
  BOOST_TEST(fails(read("origin", R"({"origin":[]})"), "field \"origin\": is an array"));
  BOOST_TEST(fails(read("origin", R"({"origin":)"), "is not JSON"));
  BOOST_TEST(fails(read("origin", R"([1])"), "is not a JSON object but an array"));
}

BOOST_AUTO_TEST_CASE(several_keys_come_in_their_order) {
  weir::json_fields fields{{"b", "/c/d", "a"}};
  values result{std::string{"from before"}};
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(fields.read(record(R"({"a":1,"b":"two","c":{"d":3.5}})"), result).has_value());
    BOOST_TEST((result == values{std::string{"two"}, 3.5, std::int64_t{1}}));
  }
}

BOOST_AUTO_TEST_CASE(members_that_were_added_are_found) {
  auto from = record(R"({"a":1})");
  append_member(from, "airport", R"({"city":"Detroit"})");
  weir::json_fields fields{{"/airport/city", "a"}};
  values result;
  BOOST_TEST(fields.read(from, result).has_value());
  BOOST_TEST((result == values{std::string{"Detroit"}, std::int64_t{1}}));
}

BOOST_AUTO_TEST_CASE(a_member_that_must_be_absent_is_a_bad_record) {
  weir::json_fields fields{{"a"}, "b"};
  values result;
  BOOST_TEST(fields.read(record(R"({"a":1})"), result).has_value());
  const auto there = fields.read(record(R"({"a":1,"b":null})"), result);
  BOOST_TEST_REQUIRE(!there.has_value());
  BOOST_TEST(there.why().is(weir::error_kind::bad_record));
  BOOST_TEST(there.why().thing() == "field \"b\"");
  auto added = record(R"({"a":{"b":1}})");
  append_member(added, "b", "2");
  BOOST_TEST(!fields.read(added, result).has_value());
}

BOOST_AUTO_TEST_CASE(a_copy_reads_the_same_and_on_its_own) {
  weir::json_fields original{{"a"}, "x"};
  auto copy = original;
  values first;
  values second;
  BOOST_TEST(original.read(record(R"({"a":"one"})"), first).has_value());
  BOOST_TEST(copy.read(record(R"({"a":"two"})"), second).has_value());
  BOOST_TEST((first == values{std::string{"one"}}));
  BOOST_TEST((second == values{std::string{"two"}}));
  BOOST_TEST(!copy.read(record(R"({"a":1,"x":2})"), second).has_value());
}

BOOST_AUTO_TEST_CASE(a_pointer_that_is_none_is_found_before_the_start) {
  for (const auto* good : {"a", "a~b", "", "/", "/a~0b~1c", "//"})
    BOOST_TEST(weir::json_fields::check_key(good).has_value(), good);
  for (const auto* wrong : {"/a~", "/a~2", "/~~0"}) {
    const auto checked = weir::json_fields::check_key(wrong);
    BOOST_TEST_REQUIRE(!checked.has_value(), wrong);
    BOOST_TEST(checked.why().is(weir::error_kind::argument));
    BOOST_TEST(checked.why().thing() == wrong);
  }
}

BOOST_AUTO_TEST_SUITE_END()
