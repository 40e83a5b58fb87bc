// SPDX-License-Identifier: Apache-2.0

// Scenarios on the operator's actor give the traces that they give on the bare machine.

#include "../support/random_scenario.hpp"
#include "../support/seeds.hpp"

#include "trace_text.hpp"

#include "weir/actor_simulation.hpp"

#include <boost/test/unit_test.hpp>

using namespace weir::simulation;

namespace {

std::string text_of(const weir::expected<trace>& of) {
  return of ? weir::tool::trace_json(*of) : of.why().text();
}

} // namespace

BOOST_AUTO_TEST_SUITE(actor_simulation)

BOOST_AUTO_TEST_CASE(random_scenarios_agree_with_the_machine) {
  const auto [first, count] = weir::testing::seeds(5000);
  for (auto seed = first; seed < first + count; ++seed)
    BOOST_TEST_CONTEXT("seed " << seed) {
      const auto what = weir::simulation::testing::scenario_generator{seed}.next();
      BOOST_TEST(text_of(simulate_on_actors(what)) == text_of(simulate(what)));
    }
}

BOOST_AUTO_TEST_CASE(a_barrier_behind_the_end_passes) {
  scenario what;
  what.name = "behind the end";
  what.with.timeout = 100;
  what.input = {{0, record_arrives{1, {}}}, {1, end_arrives{}}, {5, barrier_arrives{7}}, {9, operator_restores{7, false, {}}}};
  const auto came = simulate_on_actors(what);
  BOOST_REQUIRE(came);
  BOOST_REQUIRE(came->output.size() == 2u);
  BOOST_TEST((came->output[1] == trace_output{5, barrier_leaves{7}}));
}

BOOST_AUTO_TEST_CASE(a_run_without_end_is_given_up) {
  scenario what;
  what.name = "long";
  what.with.timeout = 3'600'000;
  what.input = {{0, record_arrives{1, {}}}};
  what.otherwise.emplace_back().never = true;
  const auto given_up = simulate_on_actors(what, {.steps = 1000});
  BOOST_REQUIRE(!given_up);
  BOOST_TEST(given_up.why().message()
             == "it takes more than 1000 steps, above all events, of which each second that an actor "
                "waits is one; let less happen, or less time pass");
  const auto came = simulate_on_actors(what, {.steps = 10'000});
  BOOST_REQUIRE(came);
  BOOST_TEST(came->failed->at == 3'600'000);
}

BOOST_AUTO_TEST_CASE(settings_that_are_wrong_are_refused) {
  scenario what;
  what.with.capacity = 0;
  BOOST_TEST(!simulate_on_actors(what));
}

BOOST_AUTO_TEST_SUITE_END()
