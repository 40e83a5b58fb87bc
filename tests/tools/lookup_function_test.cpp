// SPDX-License-Identifier: Apache-2.0
#include "job_file_fixture.hpp"
#include "lookup_function.hpp"

#include "weir/operator_machine.hpp"

#include "../support/collecting_output.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace weir;
using namespace weir::tool;
using namespace std::chrono_literals;

namespace {

struct no_observer {
  void observe(duration) {}
};

struct one_pool : function_context {
  pool_client& bind(const pool_id&) override { return client; }
  weir::counter& find_counter(std::string_view called) override {
    return counts[std::string{called}];
  }
  pool_client client;
  std::map<std::string, weir::counter> counts;
};

/// A lookup in its operator, in virtual time; the test is the store.
struct lookup_fixture : weir::tool::testing::job_file_fixture {
  void start() {
    const auto job = good();
    const auto& what = job.lookups.front();
    options = options_of(what, job.source.options.on_bad_record);
    environment env;
    const auto pool = env.client_pool({.name = "airports", .driver = {}, .url = "test:"});
    function.emplace(what, pool, pool.statement(what.query, what.key.size()));
    BOOST_REQUIRE(function->open(context).has_value());
    context.client.grant(1000);
    machine.emplace(options, what.mode, *function, *port, observer, 1);
  }

  operator_outputs out() { return {results, &dead_letters}; }

  void push(const std::string& line) {
    batch<json_record> in;
    ++lines;
    in.append(json_record{line, {}, lines}, event_time::none(), origin{10 * lines, 0, 0});
    batch_cursor at;
    machine->take(in, at, out(), now);
  }

  void end() {
    batch<json_record> in;
    in.append(control::end());
    batch_cursor at;
    machine->take(in, at, out(), now);
  }

  /// The arguments of the questions that are asked now.
  std::vector<value_list> questions() {
    std::vector<value_list> all;
    for (auto& each : context.client.take_requests()) {
      tokens.push_back(each.token);
      all.push_back(std::move(each.arguments));
    }
    return all;
  }

  void give(expected<answer> what) {
    questions();
    BOOST_REQUIRE(!tokens.empty());
    call_result result{tokens.front(), std::move(what)};
    tokens.erase(tokens.begin());
    context.client.deliver({&result, 1}, now);
    machine->advance(out(), now);
  }

  void give_rows(value_list names) { give(answer{columns, std::move(names)}); }

  void pass(duration time) {
    now += time;
    machine->tick(out(), now, now);
  }

  /// The lines that have come out.
  std::string lines_out() {
    std::string all;
    for (const auto& each : results.values()) {
      append_json_text(all, each);
      all += "\n";
    }
    return all;
  }

  std::uint64_t misses() const { return context.counts.at("misses").value(); }
  std::uint64_t bad_records() const { return context.counts.at("bad_records").value(); }

  operator_options options;
  weir::column_names columns = weir::column_names::of({"name"});
  one_pool context;
  std::optional<lookup_function> function;
  completion_port<json_record>::owner port = completion_port<json_record>::make([] {});
  no_observer observer;
  weir::testing::collecting_output<json_record> results;
  weir::testing::collecting_output<dead_letter<json_record>> dead_letters;
  time_point now{1h};
  std::uint64_t lines = 0;
  std::vector<call_token> tokens;
  std::optional<operator_machine<lookup_function, no_observer>> machine;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(lookup_functions, lookup_fixture)

BOOST_AUTO_TEST_CASE(two_columns_of_one_name_are_no_object) {
  columns = weir::column_names::of({"city", "city"});
  add_to_lookup("on_failure = \"dead_letter\"\ndead_letter = \"bad.ndjson\"");
  start();
  push(R"({"origin":"ABE"})");
  give(answer{columns, {std::string{"Allentown"}, std::string{"Bethlehem"}}});
  BOOST_TEST_REQUIRE(dead_letters.values().size() == 1u);
  BOOST_TEST(dead_letters.values().front().why.is(error_kind::rejected));
  BOOST_TEST(dead_letters.values().front().why.message().find("two columns named city")
             != std::string::npos);
}

BOOST_AUTO_TEST_CASE(only_what_the_store_is_asked_counts_as_a_call) {
  start();
  push(R"({"origin":"ABE"})");
  push(R"({"origin":null})");
  BOOST_TEST(context.counts.at("questions").value() == 1u);
}

BOOST_AUTO_TEST_CASE(the_first_row_becomes_an_object) {
  start();
  push(R"({"origin":"ABE","x":1.50})");
  const auto asked = questions();
  BOOST_REQUIRE(asked.size() == 1u);
  BOOST_TEST((asked[0] == value_list{"ABE"}));
  give_rows({"Allentown", "never seen"});
  BOOST_TEST(lines_out() == R"({"origin":"ABE","x":1.50,"origin_airport":{"name":"Allentown"}})" "\n");
}

BOOST_AUTO_TEST_CASE(all_rows_become_an_array) {
  add_to_lookup("rows = \"all\"");
  start();
  push(R"({"origin":"ABE"})");
  give_rows({"a", std::int64_t{2}});
  BOOST_TEST(lines_out() == R"({"origin":"ABE","origin_airport":[{"name":"a"},{"name":2}]})" "\n");
}

BOOST_AUTO_TEST_CASE(keys_are_bound_by_their_types) {
  replace("key = [\"origin\"]", "key = [\"s\", \"i\", \"r\", \"b\", \"/o/p\"]");
  start();
  push(R"({"s":"x","i":7,"r":1.5,"b":true,"o":{"p":"deep"}})");
  const auto asked = questions();
  BOOST_REQUIRE(asked.size() == 1u);
  BOOST_TEST((asked[0] == value_list{"x", std::int64_t{7}, 1.5, true, "deep"}));
}

BOOST_AUTO_TEST_CASE(a_miss_becomes_null) {
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  BOOST_TEST(lines_out() == R"({"origin":"XXX","origin_airport":null})" "\n");
  BOOST_TEST(misses() == 1u);
}

BOOST_AUTO_TEST_CASE(a_miss_of_all_rows_becomes_an_empty_array) {
  add_to_lookup("rows = \"all\"");
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  BOOST_TEST(lines_out() == R"({"origin":"XXX","origin_airport":[]})" "\n");
  BOOST_TEST(misses() == 1u);
}

BOOST_AUTO_TEST_CASE(a_null_key_is_a_miss_without_a_call) {
  replace("key = [\"origin\"]", "key = [\"/a/b\"]");
  start();
  push(R"({"a":null})");
  push(R"({"a":{"b":null}})");
  BOOST_TEST(questions().empty());
  BOOST_TEST(lines_out() == "{\"a\":null,\"origin_airport\":null}\n"
                            "{\"a\":{\"b\":null},\"origin_airport\":null}\n");
  BOOST_TEST(misses() == 2u);
}

BOOST_AUTO_TEST_CASE(a_miss_may_drop_the_record) {
  add_to_lookup("on_miss = \"drop\"");
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  BOOST_TEST(lines_out() == "");
  BOOST_TEST(misses() == 1u);
  BOOST_TEST(machine->counts().dropped == 1u);
}

BOOST_AUTO_TEST_CASE(a_miss_may_fail_and_is_not_retried) {
  add_to_lookup("on_miss = \"fail\"\nretry = { if_error = \"any\" }");
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  BOOST_REQUIRE(machine->failure().has_value());
  BOOST_TEST(machine->failure()->why.kind() == "miss");
  BOOST_TEST(machine->failure()->record == "line 1 (offset 10)");
  BOOST_TEST(machine->counts().calls == 1u);
}

BOOST_AUTO_TEST_CASE(a_failing_miss_goes_through_on_failure) {
  add_to_lookup("on_miss = \"fail\"\non_failure = \"drop\"");
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  BOOST_TEST(!machine->failure().has_value());
  BOOST_TEST(machine->counts().dropped == 1u);
}

BOOST_AUTO_TEST_CASE(an_empty_result_is_retried_and_the_last_answer_counts) {
  add_to_lookup("retry = { kind = \"fixed\", max_attempts = 2, delay = \"1ms\", if_result = \"empty\" }");
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  BOOST_TEST(misses() == 0u);
  pass(1ms);
  give_rows({});
  pass(1ms);
  BOOST_TEST(lines_out() == "");
  give_rows({});
  BOOST_TEST(lines_out() == R"({"origin":"XXX","origin_airport":null})" "\n");
  BOOST_TEST(misses() == 1u);
  BOOST_TEST(machine->counts().retries == 2u);
}

BOOST_AUTO_TEST_CASE(a_row_that_a_retry_finds_is_no_miss) {
  add_to_lookup("retry = { kind = \"fixed\", max_attempts = 2, delay = \"1ms\", if_result = \"empty\" }");
  start();
  push(R"({"origin":"NEW"})");
  give_rows({});
  pass(1ms);
  give_rows({"late"});
  BOOST_TEST(lines_out() == R"({"origin":"NEW","origin_airport":{"name":"late"}})" "\n");
  BOOST_TEST(misses() == 0u);
}

BOOST_AUTO_TEST_CASE(the_end_of_input_may_make_an_answer_the_last_one) {
  // GIVEN a miss whose attempts are not used up
  add_to_lookup("at_end = \"last_attempt\"\n"
                "retry = { kind = \"fixed\", max_attempts = 9, delay = \"10ms\", if_result = \"empty\" }");
  start();
  push(R"({"origin":"XXX"})");
  give_rows({});
  // WHEN the input ends and its one last attempt finds nothing either
  end();
  give_rows({});
  // THEN the record is not lost
  BOOST_TEST(lines_out() == R"({"origin":"XXX","origin_airport":null})" "\n");
  BOOST_TEST(misses() == 1u);
  BOOST_TEST(machine->finished());
}

BOOST_AUTO_TEST_CASE(the_end_of_input_takes_no_attempts_away_by_default) {
  add_to_lookup("retry = { kind = \"fixed\", max_attempts = 2, delay = \"10ms\", if_result = \"empty\" }");
  start();
  push(R"({"origin":"XXX"})");
  end();
  for (int attempt = 0; attempt < 2; ++attempt) {
    give_rows({});
    BOOST_TEST(!machine->finished());
    pass(10ms);
  }
  give_rows({});
  BOOST_TEST(lines_out() == R"({"origin":"XXX","origin_airport":null})" "\n");
  BOOST_TEST(machine->finished());
}

BOOST_AUTO_TEST_CASE(a_null_key_is_not_asked_for_again) {
  add_to_lookup("on_miss = \"drop\"\nretry = { if_result = \"empty\" }");
  start();
  push(R"({"origin":null})");
  BOOST_TEST(machine->size() == 0u);
  BOOST_TEST(machine->counts().dropped == 1u);
}

BOOST_AUTO_TEST_CASE(a_timeout_fails_the_record) {
  start();
  push(R"({"origin":"ABE"})");
  pass(1s);
  BOOST_REQUIRE(machine->failure().has_value());
  BOOST_TEST(machine->failure()->why.kind() == "timeout_error");
}

BOOST_AUTO_TEST_CASE(a_timeout_may_become_null) {
  add_to_lookup("on_timeout = \"null\"");
  start();
  push(R"({"origin":"ABE"})");
  pass(1s);
  BOOST_TEST(lines_out() == R"({"origin":"ABE","origin_airport":null})" "\n");
  BOOST_TEST(machine->counts().timeouts == 1u);
  BOOST_TEST(misses() == 0u);
}

BOOST_AUTO_TEST_CASE(a_timeout_may_drop_the_record) {
  add_to_lookup("on_timeout = \"drop\"");
  start();
  push(R"({"origin":"ABE"})");
  pass(1s);
  BOOST_TEST(lines_out() == "");
  BOOST_TEST(machine->counts().dropped == 1u);
}

BOOST_AUTO_TEST_CASE(a_failed_call_is_retried) {
  add_to_lookup("retry = { kind = \"fixed\", delay = \"1ms\" }");
  start();
  push(R"({"origin":"ABE"})");
  give(error{error_kind::overloaded, "store", "busy"});
  pass(1ms);
  give_rows({"Allentown"});
  BOOST_TEST(lines_out() == R"({"origin":"ABE","origin_airport":{"name":"Allentown"}})" "\n");
}

BOOST_AUTO_TEST_CASE(a_bad_record_goes_by_the_sources_rule) {
  const auto* const bad_lines = R"({"x":1})"
                                "\n"
                                R"({"origin":{}})"
                                "\n"
                                R"({"origin":"ABE","origin_airport":1})";
  // GIVEN a lookup that drops its own failures
  add_to_lookup("on_failure = \"drop\"\nretry = { if_error = \"any\" }");
  add_behind("path = \"in", "on_bad_record = \"dead_letter\"\ndead_letter = \"bad\"");
  start();
  // WHEN bad records come
  std::string_view rest = bad_lines;
  while (!rest.empty()) {
    const auto line = rest.substr(0, rest.find('\n'));
    push(std::string{line});
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  }
  // THEN they are the source's dead letters, uncalled
  BOOST_TEST(machine->counts().dead_letters == 3u);
  BOOST_TEST(machine->counts().dropped == 0u);
  BOOST_TEST(bad_records() == 3u);
  BOOST_TEST(questions().empty());
}

BOOST_AUTO_TEST_CASE(a_bad_record_fails_the_job_unless_told_otherwise) {
  add_to_lookup("on_failure = \"drop\"");
  start();
  push(R"({"x":1})");
  BOOST_REQUIRE(machine->failure().has_value());
  BOOST_TEST(machine->failure()->why.kind() == "bad_record");
  BOOST_TEST(machine->failure()->record == "line 1 (offset 10)");
}

BOOST_AUTO_TEST_SUITE_END()
