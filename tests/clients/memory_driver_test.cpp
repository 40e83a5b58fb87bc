// SPDX-License-Identifier: Apache-2.0

#include "weir/memory_driver.hpp"

#include "../support/temp_folder.hpp"
#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

namespace {

using texts = std::vector<std::string>;
using named_texts = std::map<std::string, std::string>;

struct memory_fixture {
  temp_folder folder;
  collecting_receiver received;
  std::unique_ptr<client_driver> driver;
  named_texts types;
  std::string key_column = "iata";

  expected<void> try_open(const std::string& name, const std::string& content, texts columns = {}) {
    driver_settings settings{"airports", "memory:" + folder.write(name, content), {}};
    settings.more.set("key_column", key_column);
    if (!types.empty())
      settings.more.set("types", types);
    auto made = memory_driver(settings);
    if (!made)
      return std::move(made).why();
    driver = *std::move(made);
    statement_declaration asks{{}, 1};
    if (!columns.empty())
      asks.more.set("columns", std::move(columns));
    return driver->open({asks}, received);
  }

  void open(const std::string& name, const std::string& content, texts columns = {}) {
    const auto opened = try_open(name, content, std::move(columns));
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? std::string{} : opened.why().text()));
  }

  std::string why_not(const std::string& name, const std::string& content, texts columns = {}) {
    const auto opened = try_open(name, content, std::move(columns));
    BOOST_REQUIRE(!opened.has_value());
    auto message = opened.why().text();
    const auto at = message.find(name);
    return at == std::string::npos ? message : message.substr(at);
  }

  expected<answer> ask(value key) {
    question asked;
    asked.token = 7;
    asked.arguments.emplace_back(std::move(key));
    driver->submit({&asked, 1});
    auto all = received.take();
    BOOST_REQUIRE(all.size() == 1u);
    BOOST_TEST(all[0].token == 7u);
    return std::move(all[0].outcome);
  }

  /// Cells of the answer, row by row; "-" where there is none.
  std::string found(value key) {
    const auto got = ask(std::move(key));
    if (!got)
      return got.why().text();
    std::string text;
    for (const auto& cell : got->cells)
      text += (text.empty() ? "" : "|") + text_of(cell);
    return got->rows() == 0 ? "-" : text;
  }

  static std::string text_of(const value& cell) {
    if (const auto* const whole = std::get_if<std::int64_t>(&cell))
      return "i" + std::to_string(*whole);
    if (const auto* const real = std::get_if<double>(&cell))
      return "d" + std::to_string(*real);
    if (const auto* const string = std::get_if<std::string>(&cell))
      return "s" + *string;
    if (const auto* const truth = std::get_if<bool>(&cell))
      return *truth ? "true" : "false";
    if (const auto* const raw = std::get_if<raw_json>(&cell))
      return "r" + raw->text;
    return "null";
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(memory_drivers, memory_fixture)

BOOST_AUTO_TEST_CASE(a_row_is_found_by_its_key) {
  open("a.csv", "iata,name,lat\nJFK,Kennedy,40.5\nATL,Hartsfield,33\n");
  const auto got = ask("ATL");
  BOOST_REQUIRE(got.has_value());
  BOOST_TEST(got->rows() == 1u);
  BOOST_TEST(got->columns.size() == 2u);
  BOOST_TEST(got->columns[0] == "name");
  BOOST_TEST(got->columns[1] == "lat");
  BOOST_TEST(found("ATL") == "sHartsfield|i33");
  BOOST_TEST(found("JFK") == "sKennedy|d40.500000");
  BOOST_TEST(found("XXX") == "-");
  BOOST_TEST(found("") == "-");
}

BOOST_AUTO_TEST_CASE(columns_are_those_that_are_asked_for) {
  open("a.csv", "iata,name,lat\nJFK,Kennedy,40.5\n", {"lat", "iata", "lat"});
  BOOST_TEST(found("JFK") == "d40.500000|sJFK|d40.500000");
}

BOOST_AUTO_TEST_CASE(a_cell_is_what_it_looks_like) {
  open("a.csv", "iata,b\n1,007\n2,-0.5\n3,\n4,\"\"\n5,true\n6,\" 7\"\n7,7 \n8,1.50\n9,12345678901234567890\n10,\"8\"\n");
  const char* const cells[] = {"s007", "d-0.500000", "null", "null", "strue", "s 7", "s7 ", "r1.50",
                               "r12345678901234567890", "i8"};
  for (std::int64_t key = 1; key <= 10; ++key)
    BOOST_TEST(found(key) == cells[key - 1]);
}

BOOST_AUTO_TEST_CASE(types_say_what_a_cell_is) {
  types = {{"iata", "string"}, {"b", "string"}, {"n", "number"}, {"t", "boolean"}};
  open("a.csv", "iata,b,n,t\n1,7,8,true\n2,,,\n3,\"\",9.0,false\n");
  BOOST_TEST(found(std::int64_t{1}) == "-");
  BOOST_TEST(found("1") == "s7|i8|true");
  BOOST_TEST(found("2") == "null|null|null");
  BOOST_TEST(found("3") == "s|r9.0|false");
  BOOST_TEST(why_not("b.csv", "iata,b,n,t\n1,x,y,true\n") == "b.csv: row 2 has no number in the column \"n\" (argument)");
  BOOST_TEST(why_not("b.csv", "iata,b,n,t\n1,x,1,yes\n")
             == "b.csv: row 2 has neither true nor false in the column \"t\" (argument)");
}

BOOST_AUTO_TEST_CASE(numbers_are_equal_as_numbers) {
  open("a.csv", "iata,b\n1,one\n2.0,two\n1e2,hundred\n2.5,half\n9223372036854775808,large\n");
  BOOST_TEST(found(1.0) == "sone");
  BOOST_TEST(found(std::int64_t{2}) == "stwo");
  BOOST_TEST(found(std::int64_t{100}) == "shundred");
  BOOST_TEST(found(2.5) == "shalf");
  BOOST_TEST(found(9223372036854775808.0) == "slarge");
  BOOST_TEST(found("1") == "-");
  BOOST_TEST(found(true) == "-");
}

BOOST_AUTO_TEST_CASE(a_key_may_have_several_rows) {
  open("a.csv", "iata,b\nx,1\ny,2\nx,3\nx,4\n");
  const auto got = ask("x");
  BOOST_TEST(got->rows() == 3u);
  BOOST_TEST(found("x") == "i1|i3|i4");
}

BOOST_AUTO_TEST_CASE(csv_as_others_write_it) {
  open("a.csv", "\xEF\xBB\xBF\"iata\",\"na\"\"me\"\r\n\"a,b\",\"two\r\nlines\"\r\n\r\n\xC3\xA9,last");
  BOOST_TEST(found("a,b") == "stwo\r\nlines");
  BOOST_TEST(found("\xC3\xA9") == "slast");
  BOOST_TEST(ask("a,b")->columns[0] == "na\"me");
}

BOOST_AUTO_TEST_CASE(a_table_larger_than_what_is_read_at_once) {
  std::string content = "iata,b\n";
  for (int i = 0; i < 50'000; ++i)
    content += "key" + std::to_string(i) + ",\"value, " + std::to_string(i) + "\"\n";
  open("a.csv", content);
  for (const int i : {0, 1, 9'999, 49'999})
    BOOST_TEST(found("key" + std::to_string(i)) == "svalue, " + std::to_string(i));
}

BOOST_AUTO_TEST_CASE(csv_that_breaks_a_rule_names_its_row) {
  BOOST_TEST(why_not("a.csv", "") == "a.csv: is empty; the first row must hold the names of the columns (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b\nx,1\ny\n") == "a.csv: row 3 has 1 cells, and the first row 2 (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b\nx,1,2\n") == "a.csv: row 2 has more than the 2 cells of the first row (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b\nx,\"1\n") == "a.csv: row 2 is no CSV: a quote stands where none may be (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b\nx,a\"b\n") == "a.csv: row 2 is no CSV: a quote stands where none may be (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b\nx,\xff\n") == "a.csv: row 2 is not UTF-8 (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b,b\n") == "a.csv: row 1 has the column \"b\" twice (argument)");
  BOOST_TEST(why_not("a.csv", "iata,b\n,1\n") == "a.csv: row 2 has no \"iata\", which is the key (argument)");
  BOOST_TEST(why_not("a.csv", "a,b\nx,1\n")
             == "a.csv: has no column \"iata\", which the pool's key_column names; it has a, b (argument)");
  types = {{"c", "string"}};
  BOOST_TEST(why_not("a.csv", "iata,b\nx,1\n") == "a.csv: has no column \"c\", which the pool's types name; it has iata, b (argument)");
}

BOOST_AUTO_TEST_CASE(ndjson) {
  open("a.ndjson", "{\"iata\": \"x\", \"b\": {\"c\": [1, 2]}}\r\n\n{\"iata\": 5, \"d\": true, \"b\": null}\n"
                   "{\"d\": 1.50, \"iata\": false}");
  BOOST_TEST(found("x") == "r{\"c\":[1,2]}|null");
  BOOST_TEST(found(std::int64_t{5}) == "null|true");
  BOOST_TEST(found(false) == "null|r1.50");
  open("a.jsonl", "{\"iata\":1,\"b\":2}");
  BOOST_TEST(found(1.0) == "i2");
}

BOOST_AUTO_TEST_CASE(ndjson_that_breaks_a_rule_names_its_line) {
  BOOST_TEST(why_not("a.ndjson", "{\"iata\":1}\n\n[]\n") == "a.ndjson: line 3 is no JSON object (argument)");
  BOOST_TEST(why_not("a.ndjson", "{\"iata\":1,}\n").starts_with("a.ndjson: line 1 is no valid JSON: "));
  BOOST_TEST(why_not("a.ndjson", "{\"iata\":1,\"b\":2,\"b\":3}\n") == "a.ndjson: line 1 has the member \"b\" twice (argument)");
  BOOST_TEST(why_not("a.ndjson", "{\"iata\":[1]}\n")
             == "a.ndjson: line 1 has a key that is an array or an object; a key is a string, a number, true or false (argument)");
  BOOST_TEST(why_not("a.ndjson", "\n")
             == "a.ndjson: has no column \"iata\", which the pool's key_column names; it has none (argument)");
}

BOOST_AUTO_TEST_CASE(a_column_that_is_not_there_is_known_before_the_job_starts) {
  BOOST_TEST(why_not("a.csv", "iata,b\nx,1\n", {"b", "c"}) == "a.csv: has no column \"c\"; it has iata, b (argument)");
  BOOST_TEST(why_not("a.csv", "iata\nx\n") == "a.csv: has no column but its key; name that in columns (argument)");
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_named) {
  driver_settings settings{"airports", "memory:" + folder.path("none.csv"), {}};
  settings.more.set("key_column", std::string{"iata"});
  auto made = memory_driver(settings);
  BOOST_REQUIRE(made.has_value());
  const auto opened = (*made)->open({}, received);
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().is(error_kind::io));
  BOOST_TEST(opened.why().thing() == folder.path("none.csv"));
  BOOST_TEST(opened.why().message().find("No such file") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(settings_are_checked_without_a_file) {
  const auto kind = memory_kind();
  const auto rules_of = [&](const driver_settings& of) {
    std::string keys;
    for (const auto& each : kind->check(of))
      keys += each.key + " ";
    return keys;
  };
  driver_settings settings{"p", "memory:a.csv", {}};
  BOOST_TEST(rules_of(settings) == "key_column ");
  settings.more.set("key_column", std::string{"k"});
  BOOST_TEST(rules_of(settings) == "");
  settings.more.set("types", named_texts{{"a", "integer"}});
  BOOST_TEST(rules_of(settings) == "types ");
  for (const std::string url : {"memory:", "memory:.csv", "memory:a.db", "sqlite:a.csv"}) {
    settings.url = url;
    BOOST_TEST(rules_of(settings) == "url types ", url);
  }
  settings.url = "memory:a.ndjson";
  BOOST_TEST(rules_of(settings) == "types ");
  BOOST_TEST(!memory_driver(settings).has_value());
}

BOOST_AUTO_TEST_CASE(statements_are_checked_without_a_file) {
  const auto rules = memory_kind()->check(statement_declaration{"select 1", 2});
  BOOST_REQUIRE(rules.size() == 2u);
  BOOST_TEST(rules[0].key == "query");
  BOOST_TEST(rules[1].key == "key");
  BOOST_TEST(memory_kind()->check(statement_declaration{{}, 1}).empty());
}

BOOST_AUTO_TEST_CASE(wrong_questions_are_rejected) {
  open("a.csv", "iata,b\nx,1\n");
  question no_statement;
  no_statement.statement = {1};
  no_statement.arguments.emplace_back("x");
  question no_argument;
  question both[] = {std::move(no_statement), std::move(no_argument)};
  driver->submit(both);
  const auto all = received.take();
  BOOST_REQUIRE(all.size() == 2u);
  for (const auto& each : all)
    BOOST_TEST(each.outcome.why().is(error_kind::rejected));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
