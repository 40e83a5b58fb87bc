// SPDX-License-Identifier: Apache-2.0

// Random records through source, fields and writer, with another JSON library as the judge.

#include "weir/json_fields.hpp"
#include "weir/json_writer.hpp"
#include "weir/ndjson_source.hpp"

#include "../support/collecting_output.hpp"
#include "../support/temp_folder.hpp"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>

#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Writes JSON as no writer would: white space anywhere, escapes that need not be, numbers of any
/// length.
class json_maker {
public:
  explicit json_maker(unsigned seed) : random_(seed) {}

  std::string object(int depth = 0) {
    std::string text = space() + "{" + space();
    for (std::size_t i = 0, n = below(5); i < n; ++i)
      text += (i > 0 ? "," : "") + space() + string() + space() + ":" + any(depth + 1);
    return text + space() + "}" + space();
  }

private:
  std::size_t below(std::size_t n) { return random_() % n; }

  std::string space() {
    std::string text;
    while (below(5) == 0)
      text += " \t"[below(2)];
    return text;
  }

  std::string string() {
    static const std::vector<std::string> letters{"a",
                                                  "b",
                                                  "key",
                                                  "\\u0061",
                                                  "\\n",
                                                  "\\\"",
                                                  "\\\\",
                                                  "\\/",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  ",",
                                                  ":",
                                                  "~",
                                                  "/",
                                                  " ",
                                                  "\xc3\xa9",
                                                  "\\ud83d\\udeeb",
                                                  "\xf0\x9f\x9b\xab",
                                                  "\\u0000",
                                                  "\x7f",
                                                  "'"};
    std::string text = "\"";
    for (std::size_t i = 0, n = below(4); i < n; ++i)
      text += letters[below(letters.size())];
    return text + "\"";
  }

  std::string digits() {
    std::string text(1, static_cast<char>('1' + below(9)));
    for (auto n = below(below(10) == 0 ? 40 : 6); n > 0; --n)
      text += static_cast<char>('0' + below(10));
    return text;
  }

  std::string number() {
    auto text = (below(3) == 0 ? "-" : "") + (below(6) == 0 ? "0" : digits());
    if (below(3) == 0)
      text += "." + digits();
    if (below(4) == 0)
      text
        += std::string(1, "eE"[below(2)]) + (below(2) == 0 ? "-" : "") + std::to_string(below(30));
    return text;
  }

  std::string any(int depth) {
    const auto what = below(depth > 3 ? 5 : 7);
    std::string text;
    if (what == 0)
      text = string();
    else if (what == 1 || what == 2)
      text = number();
    else if (what == 3)
      text = "null";
    else if (what == 4)
      text = below(2) == 0 ? "true" : "false";
    else if (what == 5)
      return object(depth);
    else
      text = "[" + (below(3) == 0 ? "" : any(depth + 1) + "," + any(depth + 1)) + "]";
    return space() + text + space();
  }

  std::mt19937 random_;
};

weir::value as_value(const nlohmann::json& x) {
  if (x.is_string())
    return x.get<std::string>();
  if (x.is_boolean())
    return x.get<bool>();
  if (x.is_number_unsigned() && x.get<std::uint64_t>() > INT64_MAX)
    return x.get<double>();
  if (x.is_number_integer())
    return x.get<std::int64_t>();
  if (x.is_number())
    return x.get<double>();
  return std::monostate{};
}

enum class verdict { object, none, unclear };

/// Unclear where JSON allows it and the judge does not: numbers beyond double, halves of surrogates.
verdict judge(const std::string& line) {
  try {
    return nlohmann::json::parse(line).is_object() ? verdict::object : verdict::none;
  } catch (const nlohmann::json::out_of_range&) {
    return verdict::unclear;
  } catch (const nlohmann::json::parse_error& fault) {
    const std::string_view why = fault.what();
    return why.find("surrogate") != why.npos ? verdict::unclear : verdict::none;
  }
}

/// Names that are there once; the judge keeps the last of several, weir the first.
bool is_unique(const weir::json_record& record, const std::string& name) {
  int count = 0;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (depth == 1 && event == nlohmann::json::parse_event_t::key)
      count += parsed == name ? 1 : 0;
    return true;
  };
  const auto parsed = nlohmann::json::parse(record.raw, watch);
  return parsed.is_object() && count == 1;
}

} // namespace

BOOST_AUTO_TEST_SUITE(json_round_trip)

BOOST_AUTO_TEST_CASE(any_record_passes_and_its_fields_are_read_as_others_read_them) {
  const auto seed = 20260301u;
  json_maker make{seed};
  const weir::testing::temp_folder folder;
  std::vector<std::string> lines;
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    lines.push_back(make.object());
    text += lines.back() + "\n";
  }
  weir::ndjson_source source{{.path = folder.write("in.ndjson", text)}};
  BOOST_TEST_REQUIRE(source.open({}).has_value());
  weir::testing::collecting_output<weir::json_record> records;
  weir::source_outputs out{records};
  while (true) {
    const auto looked = source.poll(out);
    BOOST_TEST_REQUIRE(looked.has_value(), "seed " << seed);
    if (looked->state == weir::poll_state::done)
      break;
  }

  auto got = records.values();
  BOOST_TEST_REQUIRE(got.size() == lines.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    auto& record = got[i];
    BOOST_TEST_REQUIRE(record.raw == lines[i]);
    const auto judged = nlohmann::ordered_json::parse(record.raw);
    auto expected = judged;
    begin_member(record, "added \"x\"");
    weir::append_json(record.appended, 0.1);
    expected["added \"x\""] = 0.1;
    std::string line;
    append_json_text(line, record);
    BOOST_TEST_REQUIRE(nlohmann::ordered_json::parse(line) == expected, line);
    const auto members = record.raw.find_last_not_of(" \t", record.raw.rfind('}') - 1);
    BOOST_TEST_REQUIRE(line.starts_with(record.raw.substr(0, members + 1)), line);

    for (const auto& [name, field] : judged.items()) {
      if (name.starts_with('/') || !is_unique(record, name))
        continue;
      weir::json_fields fields{{name}};
      weir::value_list values;
      const auto read = fields.read(record, values);
      BOOST_TEST_REQUIRE(read.has_value() == !field.is_structured(), line);
      if (read)
        BOOST_TEST_REQUIRE((values.at(0) == as_value(field)), name << " in " << line);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_line_with_a_fault_is_refused_where_others_refuse_it) {
  const auto seed = 5u;
  std::mt19937 random{seed};
  json_maker make{seed};
  const weir::testing::temp_folder folder;
  std::string text;
  std::size_t good = 0;
  std::size_t bad = 0;
  constexpr std::string_view faults = "{}[]\",:\\0e.-+ntf x\x01\xff";
  for (int i = 0; i < 20'000; ++i) {
    auto line = make.object();
    line[random() % line.size()] = faults[random() % faults.size()];
    const auto found = judge(line);
    if (found == verdict::unclear)
      continue;
    ++(found == verdict::object ? good : bad);
    text += line + "\n";
  }
  BOOST_TEST(good > 1000u);
  BOOST_TEST(bad > 1000u);
  weir::ndjson_source source{
    {.path = folder.write("in.ndjson", text), .on_bad_record = weir::bad_record_action::skip}};
  BOOST_TEST_REQUIRE(source.open({}).has_value());
  weir::testing::collecting_output<weir::json_record> records;
  weir::source_outputs out{records};
  while (source.poll(out)->state != weir::poll_state::done) {
  }
  for (const auto& record : records.values())
    BOOST_TEST((judge(record.raw) == verdict::object), record.raw);
  BOOST_TEST(records.records() == good);
  BOOST_TEST(source.skipped() == bad);
}

BOOST_AUTO_TEST_SUITE_END()
