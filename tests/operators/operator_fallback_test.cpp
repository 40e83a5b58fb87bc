// SPDX-License-Identifier: Apache-2.0

// A function's `fallback`: what it may put in the place of an error that is final.

#include "../support/collecting_output.hpp"
#include "../support/scripted_machine.hpp"

#include <boost/test/unit_test.hpp>

#include <stdexcept>
#include <vector>

using namespace weir;
using namespace weir::testing;
using namespace std::chrono_literals;

namespace {

/// Fails with the kind `wanting` while its record's value is even, else with `broken`.
struct falling_back : async_function<item, item> {
  void async_invoke(const item& x, result_future<item> done) {
    if (x.value == 0)
      held.push_back(std::move(done));
    else
      done.fail({x.value % 2 == 0 ? "wanting" : "broken", "", ""});
  }

  std::optional<item> fallback(const item& x, const error& why) {
    seen.push_back(why.kind());
    if (x.value == 100)
      throw std::runtime_error{"no luck"};
    return why.is("broken") ? std::nullopt : std::optional{item{-x.value}};
  }

  std::vector<result_future<item>> held;
  std::vector<std::string> seen;
};

struct fallback_fixture {
  void start() {
    options.name = "lookup";
    if (!options.timeout)
      options.timeout = duration{0};
    machine.emplace(options, output_mode::ordered, function, *port, calls, 42);
  }

  void push(std::initializer_list<int> values, bool end = true) {
    batch<item> in;
    for (const int value : values)
      in.append(item{value}, event_time::none(), origin{});
    if (end)
      in.append(control::end());
    batch_cursor at;
    machine->take(in, at, {results, &dead_letters}, now);
  }

  std::vector<int> values() {
    std::vector<int> all;
    for (const auto& each : results.values())
      all.push_back(each.value);
    return all;
  }

  operator_options options;
  falling_back function;
  completion_port<item>::owner port = completion_port<item>::make([] {});
  observed_calls calls;
  collecting_output<item> results;
  collecting_output<dead_letter<item>> dead_letters;
  time_point now{1h};
  std::optional<operator_machine<falling_back, observed_calls>> machine;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(operator_fallbacks, fallback_fixture)

BOOST_AUTO_TEST_CASE(a_fallback_takes_the_place_of_a_final_error) {
  start();
  push({2, 4});
  BOOST_TEST(values() == (std::vector{-2, -4}), boost::test_tools::per_element());
  BOOST_TEST(!machine->failure());
  BOOST_TEST(machine->finished());
}

BOOST_AUTO_TEST_CASE(without_one_the_error_meets_on_failure) {
  options.on_failure = failure_action::dead_letter;
  start();
  push({1, 2});
  BOOST_TEST(values() == std::vector{-2}, boost::test_tools::per_element());
  BOOST_TEST(machine->counts().dead_letters == 1u);
}

BOOST_AUTO_TEST_CASE(it_is_asked_once_when_retries_are_over) {
  options.timeout = 1s;
  options.retry = fixed_delay{2, 1ms, any_error()};
  start();
  push({2}, false);
  BOOST_TEST(function.seen.empty());
  for (int i = 0; i < 2; ++i) {
    now += 1ms;
    machine->tick({results, &dead_letters}, now, now);
  }
  BOOST_TEST(machine->counts().calls == 3u);
  BOOST_TEST(function.seen == std::vector<std::string>{"wanting"},
             boost::test_tools::per_element());
  BOOST_TEST(values() == std::vector{-2}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_end_of_input_makes_the_error_final_although_attempts_are_left) {
  options.timeout = 1s;
  options.retry = fixed_delay{5, 1ms, any_error()};
  start();
  push({2});
  BOOST_TEST(machine->counts().calls == 2u);
  BOOST_TEST(values() == std::vector{-2}, boost::test_tools::per_element());
  BOOST_TEST(machine->finished());
}

BOOST_AUTO_TEST_CASE(a_timeout_is_a_final_error_too) {
  options.timeout = 1s;
  start();
  push({0});
  now += 1s;
  machine->tick({results, &dead_letters}, now, now);
  BOOST_TEST(function.seen == std::vector<std::string>{"timeout_error"},
             boost::test_tools::per_element());
  BOOST_TEST(values() == std::vector{0}, boost::test_tools::per_element());
  BOOST_TEST(machine->counts().timeouts == 1u);
}

BOOST_AUTO_TEST_CASE(what_it_throws_is_the_records_final_error) {
  start();
  push({100});
  BOOST_REQUIRE(machine->failure().has_value());
  BOOST_TEST(machine->failure()->why.kind() == "exception");
  BOOST_TEST(machine->failure()->why.message() == "its fallback threw: no luck");
  BOOST_TEST(function.seen.size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
