// SPDX-License-Identifier: Apache-2.0

#include "weir/redis_driver.hpp"

#include "../support/started_server.hpp"
#include "threads.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace weir::testing {

namespace {

using namespace std::chrono_literals;

/// A driver on a server, and what was answered.
struct redis_fixture {
  redis_server server;
  collecting_receiver received;
  std::unique_ptr<client_driver> driver;
  call_token next = 0;

  /// `{text, arguments, options}` each.
  expected<void> try_open(std::vector<statement_declaration> statements, std::size_t connections = 1,
                          const std::string& url = {}) {
    driver_settings settings{"airports", url.empty() ? server.url() : url, {.connections = connections}};
    settings.options.open_timeout = 200ms;
    auto made = redis_driver(settings);
    if (!made)
      return std::move(made).why();
    driver = *std::move(made);
    return driver->open(statements, received);
  }

  void open(std::vector<statement_declaration> statements, std::size_t connections = 1) {
    const auto opened = try_open(std::move(statements), connections);
    BOOST_REQUIRE_MESSAGE(opened.has_value(), (opened ? std::string{} : opened.why().text()));
  }

  question make(std::uint32_t statement, std::vector<value> arguments, time_point deadline = time_point::max()) {
    question asked;
    asked.token = ++next;
    asked.statement = {statement};
    for (auto& each : arguments)
      asked.arguments.emplace_back(std::move(each));
    asked.deadline = deadline;
    return asked;
  }

  /// The answers in the order of the questions.
  std::vector<expected<answer>> ask(std::vector<question> questions) {
    const auto before = received.results().size();
    std::vector<call_token> tokens;
    for (const auto& each : questions)
      tokens.push_back(each.token);
    driver->submit(questions);
    received.wait_for(before + tokens.size());
    std::vector<expected<answer>> outcomes;
    for (const auto token : tokens)
      for (auto& each : received.results())
        if (each.token == token)
          outcomes.push_back(std::move(each.outcome));
    BOOST_REQUIRE(outcomes.size() == tokens.size());
    return outcomes;
  }

  expected<answer> ask(std::uint32_t statement, std::vector<value> arguments) {
    std::vector<question> one;
    one.push_back(make(statement, std::move(arguments)));
    return std::move(ask(std::move(one))[0]);
  }

  /// The one cell, a letter in front for its kind; "-" for a miss.
  static std::string text_of(const expected<answer>& got) {
    if (!got)
      return "! " + got.why().text();
    if (got->rows() == 0)
      return "-";
    std::string text;
    for (const auto& cell : got->cells) {
      text += text.empty() ? "" : "|";
      if (const auto* const whole = std::get_if<std::int64_t>(&cell))
        text += "i" + std::to_string(*whole);
      else if (const auto* const string = std::get_if<std::string>(&cell))
        text += "s" + *string;
      else if (const auto* const raw = std::get_if<raw_json>(&cell))
        text += "r" + raw->text;
      else
        text += std::holds_alternative<std::monostate>(cell) ? "null" : "?";
    }
    return text;
  }

  std::string found(std::uint32_t statement, std::vector<value> arguments) {
    return text_of(ask(statement, std::move(arguments)));
  }
};

statement_declaration text(std::string command, std::size_t arguments) {
  return {std::move(command), arguments, {{"value", std::string{"text"}}}};
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(redis_drivers, redis_fixture)

BOOST_AUTO_TEST_CASE(what_the_server_answers) {
  open({text("SET {1} {2}", 2), {"GET {1}", 1}, text("GET {1}", 1), text("HSET {1} a {2} b 2", 2), text("HGETALL {1}", 1),
        text("HMGET {1} b a x", 1), text("INCR {1}", 1), text("RPUSH {1} {2} y", 2), text("LRANGE {1} 0 -1", 1),
        text("NOSUCH {1}", 1), {"HMGET {1} a b", 1}});
  BOOST_TEST(found(0, {"k 1", "{\"a\": [1,\n 2], \"b\": \"x\"}"}) == "sOK");
  BOOST_TEST(found(1, {"k 1"}) == "r{\"a\":[1,2],\"b\":\"x\"}");
  BOOST_TEST(found(2, {"k 1"}) == "s{\"a\": [1,\n 2], \"b\": \"x\"}");
  BOOST_TEST(found(1, {"none"}) == "-");
  BOOST_TEST(found(0, {"n", std::int64_t{7}}) == "sOK");
  BOOST_TEST(found(1, {"n"}) == "i7");
  BOOST_TEST(found(6, {"n"}) == "i8");
  BOOST_TEST(found(0, {"word", "plain"}) == "sOK");
  BOOST_TEST(found(1, {"word"}).starts_with("! " + server.url() + ": a value is no valid JSON: "));
  BOOST_TEST(found(3, {"h", "one\n\"1\""}) == "i2");
  BOOST_TEST(found(4, {"h"}) == "r{\"a\":\"one\\n\\\"1\\\"\",\"b\":\"2\"}");
  BOOST_TEST(found(4, {"none"}) == "-");
  BOOST_TEST(found(5, {"h"}) == "s2|sone\n\"1\"|null");
  BOOST_TEST(found(5, {"none"}) == "-");
  BOOST_TEST(found(3, {"h2", "1"}) == "i2");
  BOOST_TEST(found(10, {"h2"}) == "i1|i2");
  const auto fields = ask(5, {"h"});
  BOOST_TEST(fields->columns[0] == "b");
  BOOST_TEST(fields->columns[2] == "x");
  BOOST_TEST(found(7, {"l", "x"}) == "i2");
  BOOST_TEST(found(8, {"l"}) == "r[\"x\",\"y\"]");
  BOOST_TEST(found(8, {"none"}) == "r[]");
  const auto unknown = ask(9, {"x"});
  BOOST_TEST(unknown.why().is(error_kind::rejected));
  BOOST_TEST(unknown.why().message().find("unknown command") != std::string::npos);
  const auto other = ask(2, {"h"});
  BOOST_TEST(other.why().is(error_kind::rejected));
  BOOST_TEST(other.why().message().starts_with("WRONGTYPE"));
  BOOST_TEST(found(0, {"bytes", blob{"\xff"}}) == "sOK");
  BOOST_TEST(ask(2, {"bytes"}).why().message() == "a value is not UTF-8");
}

BOOST_AUTO_TEST_CASE(what_is_asked_together_has_outcomes_of_its_own) {
  for (const bool batch : {true, false}) {
    server.process().kill();
    server.process().start();
    open({text("SET {1} {2}", 2), {"GET n:{1}", 1, {{"batch", batch}}}, text("RPUSH {1} x", 1), text("INFO commandstats", 0)},
         batch ? 1 : 3);
    std::vector<question> writes;
    for (std::int64_t i = 0; i < 1'000; i += 2)
      writes.push_back(make(0, {"n:" + std::to_string(i), i * i}));
    ask(std::move(writes));
    found(2, {"n:7"});
    found(0, {"n:9", "no json"});
    // WHEN a thousand are asked at once, misses, another type and a broken value among them
    std::vector<question> reads;
    for (std::int64_t i = 0; i < 1'000; ++i)
      reads.push_back(make(1, {i}));
    const auto answers = ask(std::move(reads));
    for (std::int64_t i = 0; i < 1'000; ++i) {
      const auto got = text_of(answers[static_cast<std::size_t>(i)]);
      if (i == 7)
        BOOST_TEST(got.find("WRONGTYPE") != std::string::npos);
      else if (i == 9)
        BOOST_TEST(got.find("no valid JSON") != std::string::npos);
      else
        BOOST_TEST(got == (i % 2 == 0 ? "i" + std::to_string(i * i) : "-"));
    }
    const auto stats = found(3, {});
    BOOST_TEST((stats.find("cmdstat_mget") != std::string::npos) == batch);
    driver->close();
  }
}

BOOST_AUTO_TEST_CASE(a_server_that_is_not_there_is_waited_for) {
  server.process().kill();
  const auto opened = try_open({{"GET {1}", 1}});
  BOOST_REQUIRE(!opened.has_value());
  BOOST_TEST(opened.why().is(error_kind::refused));
  BOOST_TEST(opened.why().thing() == server.url());
  // and one that comes meanwhile is found
  auto later = expected<void>{error{}};
  std::thread waits{[&] {
    for (int i = 0; i < 300 && !later; ++i)
      later = try_open({{"GET {1}", 1}});
  }};
  server.process().start();
  waits.join();
  BOOST_TEST(later.has_value());
}

BOOST_AUTO_TEST_CASE(a_wrong_statement_or_password_is_known_at_once) {
  const auto begin = std::chrono::steady_clock::now();
  BOOST_TEST(try_open({{"GET {2}", 1}}).why().is(error_kind::argument));
  redis_server closed{{"--requirepass", "hunter2"}};
  const auto none = try_open({{"GET {1}", 1}}, 1, closed.url());
  BOOST_TEST(none.why().is(error_kind::rejected));
  BOOST_TEST(none.why().message().find("NOAUTH") != std::string::npos);
  const auto with_word = [&](const std::string& word) {
    auto url = closed.url();
    return url.insert(url.find("//") + 2, ":" + word + "@");
  };
  const auto wrong = try_open({{"GET {1}", 1}}, 1, with_word("hunter3"));
  BOOST_TEST(wrong.why().is(error_kind::rejected));
  BOOST_TEST(wrong.why().text().find("hunter") == std::string::npos, wrong.why().text());
  BOOST_TEST(try_open({{"GET {1}", 1}}, 1, with_word("hunter2")).has_value());
  BOOST_TEST((std::chrono::steady_clock::now() - begin < 5s));
  BOOST_TEST(try_open({{"GET {1}", 1}}, 1, server.url() + "?db=99").why().message().starts_with("SELECT 99 is refused: "));
}

BOOST_AUTO_TEST_CASE(an_answer_that_is_too_large_is_no_loss_of_a_connection_to_try_again) {
  open({text("SETRANGE {1} 17000000 x", 1), text("GET {1}", 1), text("RPUSH {1} {2}", 2), text("LRANGE {1} 0 -1", 1)});
  BOOST_TEST(found(0, {"large"}) == "i17000001");
  BOOST_TEST(ask(1, {"large"}).why().is(error_kind::rejected));
  const std::string megabyte(std::size_t{1} << 20, 'x');
  for (int i = 0; i < 18; ++i)
    BOOST_TEST(found(2, {"list", megabyte}) == "i" + std::to_string(i + 1));
  const auto list = ask(3, {"list"});
  BOOST_TEST(list.why().is(error_kind::rejected));
  BOOST_TEST(list.why().message() == "the answer has more than 16 MiB; ask for less");
  BOOST_TEST(found(1, {"none"}) == "-");
}

BOOST_AUTO_TEST_CASE(a_user_may_have_no_password) {
  redis_server with_users{{"--user", "reader", "on", "nopass", "~*", "+@all", "-set"}};
  auto url = with_users.url();
  url.insert(url.find("//") + 2, "reader@");
  BOOST_REQUIRE(try_open({text("SET {1} x", 1)}, 1, url).has_value());
  const auto refused = ask(0, {"k"});
  BOOST_TEST(refused.why().message().starts_with("NOPERM"));
}

BOOST_AUTO_TEST_CASE(databases_are_told_apart) {
  open({text("SET {1} one", 1)});
  found(0, {"k"});
  BOOST_REQUIRE(try_open({text("GET {1}", 1)}, 1, server.url() + "?db=1").has_value());
  BOOST_TEST(found(0, {"k"}) == "-");
  BOOST_REQUIRE(try_open({text("GET {1}", 1)}, 1, server.url() + "?db=0").has_value());
  BOOST_TEST(found(0, {"k"}) == "sone");
}

BOOST_AUTO_TEST_CASE(a_server_that_is_killed_loses_what_is_under_way_and_nothing_else) {
  open({text("GET {1}", 1)}, 3);
  std::mt19937_64 random{7};
  std::size_t asked = 0;
  for (int kill = 0; kill < 5; ++kill) {
    for (int span = 0; span < 20; ++span) {
      std::vector<question> some;
      for (int i = 0; i < 20; ++i)
        some.push_back(make(0, {"k"}));
      asked += some.size();
      driver->submit(some);
      if (span == static_cast<int>(random() % 20))
        server.process().kill();
    }
    server.process().kill();
    server.process().start();
    // THEN each is answered, with what came or with what was lost
    received.wait_for(asked);
    auto questions = std::vector<question>{};
    questions.push_back(make(0, {"k"}));
    const auto again = ask(std::move(questions));
    ++asked;
    BOOST_TEST(text_of(again[0]) == "-");
  }
  std::map<call_token, int> times;
  for (const auto& each : received.results()) {
    ++times[each.token];
    if (!each.outcome)
      BOOST_TEST((each.outcome.why().is(error_kind::connection_lost) || each.outcome.why().is(error_kind::refused)),
                 each.outcome.why().text());
  }
  BOOST_TEST(times.size() == asked);
  BOOST_TEST(received.results().size() == asked);
}

BOOST_AUTO_TEST_CASE(a_server_that_says_nothing_is_cut_when_nobody_waits_any_more) {
  open({text("GET {1}", 1)});
  found(0, {"k"});
  server.process().stop();
  const auto soon = time_point::clock::now() + 100ms;
  std::vector<question> some;
  for (int i = 0; i < 10; ++i)
    some.push_back(make(0, {"k"}, soon));
  const auto answers = ask(std::move(some));
  for (const auto& each : answers)
    BOOST_TEST(each.why().is(error_kind::connection_lost));
  server.process().go_on();
  BOOST_TEST(found(0, {"k"}) == "-");
}

BOOST_AUTO_TEST_CASE(nothing_is_received_after_the_end) {
  open({text("GET {1}", 1)}, 2);
  std::vector<question> some;
  for (int i = 0; i < 200; ++i)
    some.push_back(make(0, {"k"}));
  driver->submit(some);
  driver->close();
  const auto then = received.results().size();
  driver->close();
  BOOST_TEST(received.results().size() == then);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
