// SPDX-License-Identifier: Apache-2.0

// A predicate on results must be one on the results that the operator has.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <span>
#include <string>

using namespace std::chrono_literals;

namespace {

template <class Looked>
std::string mistakes() {
  weir::environment env;
  weir::async_data_stream::ordered_wait(
    env.from_source(weir::collection_source<int>{{1}}),
    [](const int& in, weir::result_future<long> done) { done.complete(in); },
    {.name = "look",
     .timeout = 1s,
     .retry = weir::fixed_delay{1, 1ms, {}, weir::result_where<Looked>([](std::span<const Looked>) {
                                  return false;
                                })}})
    .sink_to([](long) {});
  std::string all;
  for (const auto& each : env.check())
    all += each.text();
  return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(result_predicates)

BOOST_AUTO_TEST_CASE(one_on_the_operators_results_is_taken) {
  BOOST_TEST(mistakes<long>() == "");
}

BOOST_AUTO_TEST_CASE(one_on_others_is_a_mistake_of_the_plan) {
  BOOST_TEST(mistakes<int>()
             == "operator look: retry.if_result looks at results of another type than the operator's "
                "(argument)");
}

BOOST_AUTO_TEST_SUITE_END()
