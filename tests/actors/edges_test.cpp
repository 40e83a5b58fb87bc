// SPDX-License-Identifier: Apache-2.0

// Edges of a running job: what steps and copies do to the count of what is left behind, and a step that
// throws.

#include "../support/job_fixture.hpp"

#include "weir/edge_steps.hpp"

#include <stdexcept>

using weir::testing::job_fixture;

namespace {

bool is_odd(int x) {
  return x % 2 == 1;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(edges, job_fixture)

BOOST_AUTO_TEST_CASE(what_a_drain_leaves_behind_counts_what_steps_and_copies_made_of_records) {
  // GIVEN odd numbers three times each to an operator that never answers, and all to a sink
  add_line();
  add_sink("copy");
  plan.edges.back() = {.from = 0, .to = 3};
  plan.edges[0].steps = {weir::filter_of<int>(is_odd),
                         weir::flat_map_of<int>([](int x) { return std::vector(3, x); })};
  log.muted = true;
  start();
  push_many(0, 10);
  // WHEN a drain ends at its deadline
  drain(ms{100});
  advance(ms{200});
  // THEN what the operator holds is left behind, and what came to the sink is not
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "drained, 15 left behind");
  BOOST_TEST(written("copy").size() == 10u);
}

BOOST_AUTO_TEST_CASE(what_came_through_is_not_left_behind) {
  // GIVEN an operator behind which some results are dropped and others copied
  add_line();
  add_sink("copy");
  plan.edges.back() = {.from = 1, .to = 3};
  plan.edges[1].steps = {weir::filter_of<int>([](int x) { return x < 50; })};
  log.muted = true;
  start();
  push_many(0, 10);
  for (int i = 0; i < 9; ++i)
    complete(i);
  // WHEN one record is not answered, THEN it alone is left behind
  drain(ms{100});
  advance(ms{200});
  BOOST_TEST(text(*result) == "drained, 1 left behind");
  BOOST_TEST(written().size() == 5u);
  BOOST_TEST(written("copy").size() == 9u);
}

BOOST_AUTO_TEST_CASE(a_step_that_throws_fails_the_job_by_its_stage_and_record) {
  add_line();
  plan.edges[1].steps = {weir::map_of<int>([](const int& x) -> int {
    throw std::runtime_error{"no " + std::to_string(x)};
  })};
  start();
  push({1, 2});
  complete(2);
  complete(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(text(*result) == "failed operator op exception at record 0/0");
  BOOST_TEST(result->why.front().message() == "map threw: no 10");
  BOOST_TEST(written().empty());
}

BOOST_AUTO_TEST_CASE(of_several_steps_the_one_that_throws_is_named) {
  add_line();
  const auto map = [](const char* refuses) {
    return weir::map_of<int>([refuses](const int& x) -> int {
      return refuses == nullptr ? x : throw std::runtime_error{refuses};
    });
  };
  plan.edges[1].steps = {map(nullptr), map("not two"), map(nullptr)};
  start();
  push({1});
  complete(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text()
             == "operator op: map (step 2 of 3) threw: not two (exception)");
}

BOOST_AUTO_TEST_CASE(of_several_ways_the_one_whose_step_throws_is_named) {
  add_line();
  add_sink("copy");
  plan.edges.back() = {.from = 1, .to = 3};
  const auto refuse = weir::map_of<int>([](const int&) -> int { throw std::runtime_error{"no"}; });
  plan.edges[2].steps = {refuse};
  start();
  push({1});
  complete(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text()
             == "operator op: map (on the way to copy) threw: no (exception)");
}

BOOST_AUTO_TEST_CASE(the_reading_of_keys_is_the_last_step) {
  add_line();
  plan.edges[1].how = weir::partition::key;
  plan.edges[1].steps = {weir::filter_of<int>([](int) { return true; })};
  plan.edges[1].keys = weir::keys_of<int>([](const int& x) -> int {
    return x > 0 ? throw std::runtime_error{"no key"} : x;
  });
  start();
  push({1});
  complete(1);
  BOOST_REQUIRE(result.has_value());
  BOOST_TEST(result->why.front().text()
             == "operator op: key_by (step 2 of 2) threw: no key (exception)");
}

BOOST_AUTO_TEST_SUITE_END()
