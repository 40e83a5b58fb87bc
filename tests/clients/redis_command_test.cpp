// SPDX-License-Identifier: Apache-2.0

#include "redis_command.hpp"

#include "weir/redis_driver.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace weir::testing {

namespace {

/// The command for these arguments, its parts with bars between them.
std::string filled(const std::string& text, const std::vector<value>& arguments) {
  auto parsed = detail::redis_command::parse({text, arguments.size()});
  if (!parsed)
    return "! " + parsed.why().message();
  std::string out;
  parsed->append(out, arguments);
  // As the server reads it.
  std::string parts;
  std::size_t at = out.find("\r\n") + 2;
  while (at < out.size()) {
    const auto end = out.find("\r\n", at);
    const auto size = std::stoul(out.substr(at + 1, end - at - 1));
    parts += (parts.empty() ? "" : "|") + out.substr(end + 2, size);
    at = end + 2 + size + 2;
  }
  return parts;
}

std::string why_not(const std::string& text, std::size_t arguments = 1) {
  const auto parsed = detail::redis_command::parse({text, arguments});
  return parsed ? "" : parsed.why().message();
}

} // namespace

BOOST_AUTO_TEST_SUITE(redis_commands)

BOOST_AUTO_TEST_CASE(it_is_written_in_the_servers_protocol) {
  auto parsed = detail::redis_command::parse({"GET airport:{1}", 1});
  BOOST_REQUIRE(parsed.has_value());
  std::string out;
  const value key{std::string{"JFK"}};
  parsed->append(out, {&key, 1});
  BOOST_TEST(out == "*2\r\n$3\r\nGET\r\n$11\r\nairport:JFK\r\n");
  out.clear();
  parsed->append_key(out, {&key, 1});
  BOOST_TEST(out == "$11\r\nairport:JFK\r\n");
}

BOOST_AUTO_TEST_CASE(arguments_stay_inside_their_place) {
  const std::string nasty = "a b\"'\r\n{1} \xc3\xa9";
  BOOST_TEST(filled("GET k:{1}", {nasty}) == "GET|k:" + nasty);
  BOOST_TEST(filled("get {1}:{2}:{1} {2}", {std::string{"x y"}, std::int64_t{-7}}) == "get|x y:-7:x y|-7");
  BOOST_TEST(filled("GET {1}", {std::string{}}) == "GET|");
  BOOST_TEST(filled("GET {1}", {std::string("\0x", 2)}) == std::string("GET|\0x", 6));
}

BOOST_AUTO_TEST_CASE(values_are_written_as_json_writes_them) {
  BOOST_TEST(filled("GET {1} {2} {3}", {100000.0, -3.0, 0.25}) == "GET|100000|-3|0.25");
  BOOST_TEST(filled("GET {1}{2}{3}{4}", {true, 1.5, raw_json{"12.50"}, std::int64_t{9}}) == "GET|true1.512.509");
}

BOOST_AUTO_TEST_CASE(quotes_hold_blanks_together) {
  BOOST_TEST(filled("GET \"a b\":{1} ", {std::string{"x"}}) == "GET|a b:x");
  BOOST_TEST(filled("  GET   'it''s {1}'  ", {std::string{"x"}}) == "GET|its x");
  BOOST_TEST(filled("SET {1} \"\"", {std::string{"x"}}) == "SET|x|");
  BOOST_TEST(filled("GET {{{1}}}", {std::string{"x"}}) == "GET|{x}");
}

BOOST_AUTO_TEST_CASE(a_template_that_breaks_a_rule_says_which) {
  BOOST_TEST(why_not("") == "must be a command, such as \"GET airport:{1}\"");
  BOOST_TEST(why_not("{1} x") == "must begin with a command's name, as \"GET airport:{1}\" does");
  BOOST_TEST(why_not("GET {2}") == "has {2}, but is asked with 1 arguments");
  BOOST_TEST(why_not("GET x") == "lacks {1}: each argument must be in it");
  BOOST_TEST(why_not("GET {1}", 2) == "lacks {2}: each argument must be in it");
  BOOST_TEST(why_not("GET \"{1}") == "has a quote \" that is not closed");
  for (const auto* const brace : {"GET {1", "GET {}", "GET {0}", "GET {x}", "GET {1x}", "GET {1}}"})
    BOOST_TEST(why_not(brace).starts_with("has a brace that is no {1}, {2} ...; "), brace);
  for (const auto* const refused : {"SUBSCRIBE {1}", "monitor {1}", "Multi {1}", "BLPOP {1} 0", "SELECT {1}", "AUTH {1}"})
    BOOST_TEST(why_not(refused).starts_with("must not be "), refused);
  BOOST_TEST(why_not("XREAD BLOCK 0 STREAMS {1} $").starts_with("must not have BLOCK"));
  BOOST_TEST(why_not("XREAD COUNT 1 STREAMS {1} 0") == "");
}

BOOST_AUTO_TEST_CASE(what_a_command_answers) {
  const auto form_of = [](const std::string& text) { return detail::redis_command::parse({text, 1})->form(); };
  using form = detail::redis_command::reply_form;
  BOOST_TEST((form_of("GET {1}") == form::any));
  BOOST_TEST((form_of("hgetall {1}") == form::pairs));
  BOOST_TEST((form_of("HMGET {1} a b") == form::fields));
  BOOST_TEST((form_of("HMGET x {1}") == form::any));
  const auto columns = detail::redis_command::parse({"HMGET {1} a 'b c'", 1})->columns();
  BOOST_REQUIRE(columns.size() == 2u);
  BOOST_TEST(columns[1] == "b c");
}

BOOST_AUTO_TEST_CASE(which_are_asked_together) {
  const auto may_be = [](const std::string& text, driver_options more = {}) {
    return detail::redis_command::parse({text, 1, std::move(more)})->may_be_batched();
  };
  BOOST_TEST(may_be("GET {1}"));
  BOOST_TEST(may_be("get a:{1}:b"));
  BOOST_TEST(!may_be("GETDEL {1}"));
  BOOST_TEST(!may_be("HGET {1} x"));
  BOOST_TEST(!may_be("GET {1}", {{"batch", false}}));
}

BOOST_AUTO_TEST_CASE(addresses) {
  const auto fault = [](const std::string& url) {
    const auto rules = redis_kind()->check(driver_settings{"p", url, {}});
    return rules.empty() ? std::string{} : rules[0].key;
  };
  for (const std::string good :
       {"redis://host", "redis://host:1/0", "redis://127.0.0.1:6379/15", "redis://[::1]:6379/0", "redis://:word@host",
        "redis://me:word@host/1", "redis:///run/redis.sock", "redis:///run/redis.sock?db=3", "redis://me:a%40b@host"})
    BOOST_TEST(fault(good) == "", good);
  for (const std::string bad : {"redis:", "redis:host", "redis://", "redis:///", "redis://host:x", "redis://host:99999",
                                "redis://host/x", "redis://host/-1", "redis://host?db=1", "redis:///s?x=1", "redis://[::1",
                                "redis://host/1/2", "rediss://host"})
    BOOST_TEST(fault(bad) == "url", bad);
  const auto made = redis_driver({"p", "redis://me:hunter2@host/x", {}});
  BOOST_REQUIRE(!made.has_value());
  BOOST_TEST(made.why().message().find("hunter2") == std::string::npos);
}

BOOST_AUTO_TEST_CASE(statements_are_checked_without_a_server) {
  const auto keys = [](const statement_declaration& of) {
    std::string all;
    for (const auto& each : redis_kind()->check(of))
      all += each.key + " ";
    return all;
  };
  BOOST_TEST(keys({"GET {1}", 1}) == "");
  BOOST_TEST(keys({"GET {1}", 1, {{"value", std::string{"xml"}}}}) == "value ");
  BOOST_TEST(keys({"GET x", 1, {{"value", std::string{"text"}}}}) == "query ");
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace weir::testing
