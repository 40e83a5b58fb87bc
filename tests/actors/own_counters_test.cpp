// SPDX-License-Identifier: Apache-2.0

// What functions count themselves, seen in the job's status.

#include "../support/job_fixture.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace {

using weir::function_context;
using weir::own_counter;
using weir::result_future;
using weir::testing::job_fixture;
using counts = std::map<std::string, std::uint64_t>;

struct counting_fixture : job_fixture {
  /// Counts in this instance: each call, and apart those of odd records.
  void count_in(const std::string& instance) {
    auto& does = functions[instance];
    does.on_open = [this, instance](function_context& context) {
      all[instance] = context.counter("asked");
      odd[instance] = context.counter("odd_ones");
    };
    does.answer = [this, instance](int record, result_future<int> done) {
      ++all[instance];
      if (record % 2 == 1)
        odd[instance].add(1);
      done.complete(record);
    };
  }

  /// What is wrong with a counter of this name.
  std::string open_with(const std::string& name) {
    add_line();
    functions["op"].on_open = [&](function_context& context) { context.counter(name); };
    start();
    BOOST_REQUIRE(result.has_value());
    return result->why.at(0).text();
  }

  std::map<std::string, own_counter> all;
  std::map<std::string, own_counter> odd;
};

constexpr auto rule = "its name must be 1 to 64 letters, digits and _, and begin with no digit (exception)";

} // namespace

BOOST_FIXTURE_TEST_SUITE(own_counters, counting_fixture)

BOOST_AUTO_TEST_CASE(counters_are_added_up_over_the_instances_of_an_operator) {
  add_source("in");
  add_operator("op", weir::output_mode::ordered, 2);
  add_operator("other");
  add_sink("out");
  count_in("op");
  count_in("op.1");
  count_in("other");
  start();
  BOOST_TEST((status().own_counters == counts{{"asked", 0}, {"odd_ones", 0}}));
  // 64 in a row to each instance.
  push_many(1, 101);
  BOOST_TEST(functions["op.1"].calls > 0u);
  BOOST_TEST((status().own_counters == counts{{"asked", 101}, {"odd_ones", 51}}));
  end();
  BOOST_TEST((status(1).own_counters == counts{{"asked", 101}, {"odd_ones", 51}}));
}

BOOST_AUTO_TEST_CASE(the_same_name_is_the_same_counter) {
  add_line();
  functions["op"].on_open = [](function_context& context) {
    context.counter("n").add(1);
    ++context.counter("n");
  };
  start();
  BOOST_TEST((status().own_counters == counts{{"n", 2}}));
}

BOOST_AUTO_TEST_CASE(a_name_that_no_exporter_takes_fails_the_open_with_the_rule) {
  BOOST_TEST(open_with("cache hits")
             == std::string{"operator op: the open of its function threw: counter \"cache hits\": "} + rule);
}

BOOST_AUTO_TEST_CASE(a_name_that_begins_with_a_digit_fails_the_open) {
  BOOST_TEST(open_with("2nd").find(rule) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_empty_fails_the_open) {
  BOOST_TEST(open_with("").find(rule) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_name_that_is_too_long_fails_the_open) {
  BOOST_TEST(open_with(std::string(65, 'n')).find(rule) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_longest_name_and_each_kind_of_letter_is_taken) {
  add_line();
  functions["op"].on_open = [](function_context& context) {
    context.counter(std::string(64, 'n'));
    context.counter("_aZ09");
  };
  start();
  BOOST_TEST(!result);
  BOOST_TEST(status().own_counters.size() == 2u);
}

BOOST_AUTO_TEST_CASE(names_that_are_made_from_data_are_refused_in_time) {
  add_line();
  functions["op"].on_open = [](function_context& context) {
    for (int i = 0; i < 100; ++i)
      context.counter("n" + std::to_string(i));
    context.counter("n7");
    context.counter("one_too_many");
  };
  start();
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.at(0).text()
             == "operator op: the open of its function threw: counter \"one_too_many\": there are 100 "
                "counters already; do not make their names from data (exception)");
}

BOOST_AUTO_TEST_CASE(a_handle_that_no_context_gave_counts_nothing) {
  own_counter of_a_function_that_was_not_opened;
  ++of_a_function_that_was_not_opened;
  of_a_function_that_was_not_opened.add(7);
}

BOOST_AUTO_TEST_SUITE_END()
