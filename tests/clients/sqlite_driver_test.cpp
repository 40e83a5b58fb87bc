// SPDX-License-Identifier: Apache-2.0

#include "weir/sqlite_driver.hpp"

#include "sqlite_connection.hpp"

#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <sqlite3.h>

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace weir::testing {

namespace {

/// A folder that goes away with the test.
class temporary_folder {
public:
  temporary_folder() {
    auto name = (std::filesystem::temp_directory_path() / "weir_sqlite_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~temporary_folder() { std::filesystem::remove_all(path_); }

  std::string file(const std::string& name) const { return path_ / name; }

private:
  std::filesystem::path path_;
};

/// A second, writing connection.
class writer {
public:
  explicit writer(const std::string& path) { check(sqlite3_open(path.c_str(), &db_)); }
  ~writer() { sqlite3_close(db_); }

  void operator()(const std::string& sql) {
    check(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr));
  }

private:
  void check(int code) {
    if (code != SQLITE_OK)
      throw std::runtime_error(sqlite3_errmsg(db_));
  }

  sqlite3* db_ = nullptr;
};

const auto* const endless
  = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n";

struct sqlite_fixture {
  temporary_folder folder;
  std::string path = folder.file("airports.db");
  writer write{path};
  collecting_receiver received;
  std::unique_ptr<client_driver> driver;
  call_token next = 0;

  sqlite_fixture() {
    write("create table airports (iata text primary key, name text, latitude real);"
          "insert into airports values ('JFK', 'John F Kennedy Intl', 40.63975),"
          " ('ATL', 'Hartsfield', 33.6404)");
  }

  expected<void> try_open(const std::vector<statement_declaration>& statements,
                          const std::string& url, std::size_t connections = 1) {
    driver = std::move(*sqlite_driver({"airports", url, {connections}}));
    return driver->open(statements, received);
  }

  void open(const std::string& text, std::size_t arguments, std::size_t connections = 1) {
    const auto opened = try_open({{text, arguments}}, "sqlite:" + path, connections);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? "" : opened.why().text()));
  }

  /// The error that the statement opens with.
  error opening(const std::string& text, std::size_t arguments = 0) {
    const auto opened = try_open({{text, arguments}}, "sqlite:" + path);
    BOOST_REQUIRE(!opened.has_value());
    BOOST_TEST(opened.why().thing() == path);
    return opened.why();
  }

  expected<answer> ask(value_list arguments = {}) {
    submit(*driver, {next, statement_id{0}, std::move(arguments), time_point::max()});
    received.wait_for(next + 1);
    return result_of(received.results(), next++).outcome;
  }

  static value_list with(value argument) {
    value_list all;
    all.push_back(std::move(argument));
    return all;
  }

  static bool contains(const error& e, const std::string& text) {
    BOOST_TEST_MESSAGE(e.text());
    return e.message().find(text) != std::string::npos;
  }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(sqlite_drivers, sqlite_fixture)

// -- answers --

BOOST_AUTO_TEST_CASE(a_row_has_the_columns_of_the_query_in_their_order) {
  open("select name, latitude as lat from airports where iata = ?", 1);
  const auto answer = ask(with(std::string{"ATL"}));
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST((answer->columns == column_names::of({"name", "lat"})));
  BOOST_REQUIRE(answer->rows() == 1);
  BOOST_TEST(std::get<std::string>(answer->cell(0, 0)) == "Hartsfield");
  BOOST_TEST(std::get<double>(answer->cell(0, 1)) == 33.6404);
}

BOOST_AUTO_TEST_CASE(no_row_is_an_answer) {
  open("select name from airports where iata = ?", 1);
  const auto answer = ask(with(std::string{"XXX"}));
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->rows() == 0);
  BOOST_TEST(answer->columns.size() == 1);
}

BOOST_AUTO_TEST_CASE(all_rows_come) {
  open("select iata from airports order by iata", 0);
  const auto answer = ask();
  BOOST_REQUIRE(answer.has_value());
  BOOST_REQUIRE(answer->rows() == 2);
  BOOST_TEST(std::get<std::string>(answer->cell(1, 0)) == "JFK");
}

BOOST_AUTO_TEST_CASE(each_type_of_cell_comes_as_it_is_stored) {
  open("select null, -9223372036854775808, 1.5, '', 'K\xC3\xB6ln', x'', x'00ff', 2.0", 0);
  const auto answer = ask();
  BOOST_REQUIRE(answer.has_value());
  const value_list wanted{std::monostate{},
                                  std::numeric_limits<std::int64_t>::min(),
                                  1.5,
                                  std::string{},
                                  std::string{"K\xC3\xB6ln"},
                                  blob{},
                                  blob{std::string("\0\xff", 2)},
                                  2.0};
  BOOST_TEST((answer->cells == wanted));
}

BOOST_AUTO_TEST_CASE(each_type_of_argument_is_bound_as_what_it_is) {
  open("select typeof(?1), ?1", 1);
  const auto bound = [&](value x) {
    const auto answer = ask(with(std::move(x)));
    BOOST_REQUIRE(answer.has_value());
    return std::pair{std::get<std::string>(answer->cell(0, 0)), answer->cell(0, 1)};
  };
  BOOST_TEST((bound(std::monostate{}) == std::pair{std::string{"null"}, value{}}));
  BOOST_TEST((bound(true) == std::pair{std::string{"integer"}, value{std::int64_t{1}}}));
  BOOST_TEST(
    (bound(std::int64_t{-7}) == std::pair{std::string{"integer"}, value{std::int64_t{-7}}}));
  BOOST_TEST((bound(0.25) == std::pair{std::string{"real"}, value{0.25}}));
  BOOST_TEST((bound(std::string{}) == std::pair{std::string{"text"}, value{std::string{}}}));
  BOOST_TEST((bound(std::string("a\0b", 3))
              == std::pair{std::string{"text"}, value{std::string("a\0b", 3)}}));
  BOOST_TEST((bound(blob{}) == std::pair{std::string{"blob"}, value{blob{}}}));
  BOOST_TEST((bound(raw_json{"[1]"}) == std::pair{std::string{"text"}, value{std::string{"[1]"}}}));
}

BOOST_AUTO_TEST_CASE(several_connections_answer_several_statements) {
  write("create table numbers (id integer primary key, square integer);"
        "with recursive n(i) as (select 0 union all select i + 1 from n where i < 999)"
        " insert into numbers select i, i * i from n");
  BOOST_REQUIRE(try_open({{"select name from airports where iata = ?", 1},
                          {"select square from numbers where id = ?", 1}},
                         "sqlite:" + path, 4)
                  .has_value());
  std::vector<question> questions;
  for (call_token token = 0; token < 1000; ++token) {
    questions.push_back(ask_with(token, static_cast<std::int64_t>(token)));
    questions.back().statement.index = 1;
  }
  driver->submit(questions);
  BOOST_TEST(received.wait_for(1000) == 1000);
  for (const auto& result : received.results()) {
    BOOST_REQUIRE((result.outcome && result.outcome->rows() == 1));
    const auto number = static_cast<std::int64_t>(result.token);
    BOOST_TEST(std::get<std::int64_t>(result.outcome->cell(0, 0)) == number * number);
  }
}

BOOST_AUTO_TEST_CASE(what_a_writer_commits_is_seen_by_the_next_question) {
  open("select name from airports where iata = ?", 1);
  BOOST_TEST(ask(with(std::string{"BNA"}))->rows() == 0);
  write("insert into airports values ('BNA', 'Nashville', 36.1)");
  BOOST_TEST(ask(with(std::string{"BNA"}))->rows() == 1);
}

BOOST_AUTO_TEST_CASE(a_column_that_is_added_while_the_job_runs_is_there) {
  open("select * from airports where iata = 'ATL'", 0);
  BOOST_TEST(ask()->columns.size() == 3);
  write("alter table airports add column state text default 'GA'");
  const auto answer = ask();
  BOOST_REQUIRE(answer.has_value());
  BOOST_TEST(answer->columns.size() == 4);
  BOOST_TEST(answer->columns[3] == "state");
  BOOST_TEST(std::get<std::string>(answer->cell(0, 3)) == "GA");
}

// -- what is said when it opens --

BOOST_AUTO_TEST_CASE(an_address_without_a_path_is_refused) {
  for (const std::string url : {"sqlite:", "sqlite", "other:x"}) {
    const auto made = sqlite_driver({"airports", url, {}});
    BOOST_REQUIRE(!made.has_value());
    BOOST_TEST(made.why().is(error_kind::argument));
    BOOST_TEST(made.why().text()
               == "airports: url is \"" + url
                    + "\", but must be \"sqlite:PATH\", with the path of a SQLite database (argument)");
  }
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_named_and_not_made) {
  path = folder.file("missing.db");
  const auto why = opening("select 1");
  BOOST_TEST(why.is(error_kind::io));
  BOOST_TEST(contains(why, "No such file or directory. Check the path in the pool's url"));
  BOOST_TEST(!std::filesystem::exists(path));
}

BOOST_AUTO_TEST_CASE(a_folder_is_no_database) {
  path = folder.file("folder");
  std::filesystem::create_directory(path);
  BOOST_TEST(opening("select 1").is(error_kind::io));
}

BOOST_AUTO_TEST_CASE(another_kind_of_file_is_no_database) {
  path = folder.file("flights.csv");
  std::ofstream{path} << std::string(2000, 'x');
  const auto why = opening("select 1");
  BOOST_TEST(why.is(error_kind::io));
  BOOST_TEST(contains(why, "file is not a database"));
}

BOOST_AUTO_TEST_CASE(a_missing_table_names_those_that_are_there) {
  write("create view heights as select 1");
  const auto why = opening("select name from airprots");
  BOOST_TEST(why.is(error_kind::rejected));
  BOOST_TEST(contains(why, "\"select name from airprots\": no such table: airprots"));
  BOOST_TEST(contains(why, "Tables of this file: airports, heights"));
}

BOOST_AUTO_TEST_CASE(a_wrong_statement_says_where) {
  const auto why = opening("select name fron airports");
  BOOST_TEST(why.is(error_kind::rejected));
  BOOST_TEST(contains(why, "near \"airports\": syntax error (at character 18)"));
}

BOOST_AUTO_TEST_CASE(the_number_of_arguments_must_fit) {
  const auto why = opening("select name from airports where iata = ? and latitude = ?", 1);
  BOOST_TEST(why.is(error_kind::argument));
  BOOST_TEST(contains(why, "takes 2 arguments, but is asked with 1"));
  BOOST_TEST(contains(opening("select 1", 1), "takes 0 arguments, but is asked with 1"));
}

BOOST_AUTO_TEST_CASE(a_statement_that_writes_is_refused) {
  for (const auto* text : {"delete from airports", "drop table airports",
                           "insert into airports (iata) values ('A') returning iata"}) {
    const auto why = opening(text);
    BOOST_TEST(why.is(error_kind::argument));
    BOOST_TEST(contains(why, "writes, but a pool only reads"));
  }
}

BOOST_AUTO_TEST_CASE(a_statement_without_rows_is_refused) {
  for (const auto* text : {"begin", "commit", "attach 'x' as y"})
    BOOST_TEST(contains(opening(text), "gives no rows"));
}

BOOST_AUTO_TEST_CASE(an_empty_statement_is_refused) {
  for (const auto* text : {"", "  ", "-- select 1", ";"})
    BOOST_TEST(contains(opening(text), "is no statement"));
}

BOOST_AUTO_TEST_CASE(more_than_one_statement_is_refused) {
  for (const auto* text : {"select 1; select 2", "select 1; nonsense", "select 1;; select 2"})
    BOOST_TEST(contains(opening(text), "is more than one statement"));
}

BOOST_AUTO_TEST_CASE(a_semicolon_and_a_comment_may_follow) {
  open("select 1 ; -- that is all\n ; /* really */ ", 0);
  BOOST_TEST(ask().has_value());
}

// -- what fails while it runs --

BOOST_AUTO_TEST_CASE(a_text_that_is_not_utf8_fails_and_its_bytes_can_be_had) {
  write("create table texts (t text);"
        "insert into texts values (cast(x'4bf66c6e' as text))");
  open("select t from texts", 0);
  const auto answer = ask();
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::rejected));
  BOOST_TEST(contains(answer.why(), "column t is not UTF-8; select cast(t as blob)"));
  open("select cast(t as blob) from texts", 0);
  BOOST_TEST(std::get<blob>(ask()->cell(0, 0)).bytes == "K\xF6ln");
}

BOOST_AUTO_TEST_CASE(well_formed_and_broken_utf8_are_told_apart) {
  open("select cast(? as text)", 1);
  const auto passes = [&](std::string bytes) {
    // Behind enough ASCII that both ways of looking at it are taken.
    return ask(with(blob{"0123456789" + std::move(bytes)})).has_value();
  };
  for (const auto* good :
       {"", "12345678", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "\xF0\x9F\x9B\xAB 12345678"})
    BOOST_TEST(passes(good));
  for (const auto* bad :
       {"\x80", "\xBF", "\xC0\x80", "\xC1\xBF", "\xC2", "\xC2\x41", "\xE0\x9F\xBF", "\xE2\x82",
        "\xE2\x82\x41", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF", "\xF0\x9F\x9B", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF", "\xC3\xB6\xF6 12345678"})
    BOOST_TEST(!passes(bad));
}

BOOST_AUTO_TEST_CASE(a_writer_that_holds_its_lock_makes_the_store_overloaded) {
  open("select name from airports where iata = 'ATL'", 0);
  write("begin exclusive");
  const auto answer = ask();
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::overloaded));
  BOOST_TEST(contains(answer.why(), "database is locked"));
  write("commit");
  BOOST_TEST(ask().has_value());
}

BOOST_AUTO_TEST_CASE(a_table_that_goes_away_is_a_rejected_question) {
  open("select name from airports", 0);
  write("drop table airports");
  const auto answer = ask();
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::rejected));
  BOOST_TEST(contains(answer.why(), "no such table: airports"));
}

BOOST_AUTO_TEST_CASE(a_question_that_cannot_be_computed_is_rejected_and_the_next_is_not) {
  open("select abs(?)", 1);
  const auto answer = ask(with(std::numeric_limits<std::int64_t>::min()));
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::rejected));
  BOOST_TEST(contains(answer.why(), "integer overflow"));
  BOOST_TEST(std::get<std::int64_t>(ask(with(std::int64_t{-2}))->cell(0, 0)) == 2);
}

BOOST_AUTO_TEST_CASE(a_damaged_file_is_an_io_error) {
  open("select name from airports where iata = 'ATL'", 0);
  {
    // The pages behind the first hold the table and its index.
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekp(4096);
    file << std::string(8192, '\x55');
  }
  const auto answer = ask();
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::io));
}

BOOST_AUTO_TEST_CASE(an_answer_without_a_bound_is_refused) {
  open("with recursive n(i) as (select 1 union all select i + 1 from n) select i from n", 0);
  const auto answer = ask();
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::rejected));
  BOOST_TEST(contains(answer.why(), "more than 16 MiB"));
}

BOOST_AUTO_TEST_CASE(an_interrupt_ends_a_question_that_never_ends_whichever_comes_first) {
  detail::sqlite_connection connection{path};
  BOOST_REQUIRE(connection.open({{endless, 0}}).has_value());
  connection.interrupt();
  const auto answer = connection.execute(statement_id{0}, {}, time_point::max());
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::cancelled));
}

BOOST_AUTO_TEST_CASE(a_question_that_never_ends_has_its_connection_until_its_deadline) {
  open(endless, 0);
  const auto soon = time_point::clock::now() + std::chrono::milliseconds{20};
  submit(*driver, {next, statement_id{0}, {}, soon});
  received.wait_for(next + 1);
  const auto answer = result_of(received.results(), next++).outcome;
  BOOST_REQUIRE(!answer.has_value());
  BOOST_TEST(answer.why().is(error_kind::cancelled));
}

BOOST_AUTO_TEST_CASE(a_deadline_that_has_passed_does_not_touch_the_next_question) {
  detail::sqlite_connection connection{path};
  BOOST_REQUIRE(connection.open({{endless, 0}, {"select count(*) from airports", 0}}).has_value());
  BOOST_TEST(!connection.execute(statement_id{0}, {}, time_point::min()).has_value());
  BOOST_TEST(connection.execute(statement_id{1}, {}, time_point::max()).has_value());
}

BOOST_AUTO_TEST_CASE(a_transaction_that_its_program_left_unfinished_is_named_as_such) {
  // GIVEN a copy of the database in the midst of a transaction: what a crash leaves behind
  write("pragma cache_size = 1; create table filler (x); begin;"
        "with recursive n(i) as (select 1 union all select i + 1 from n where i < 200)"
        " insert into filler select zeroblob(4000) from n");
  const auto left = folder.file("left.db");
  std::filesystem::copy(path, left);
  std::filesystem::copy(path + "-journal", left + "-journal");
  const auto opened = try_open({{"select name from airports", 0}}, "sqlite:" + left);
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().is(error_kind::io));
  BOOST_TEST(contains(opened.why(), "died in the middle of a transaction"));
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
