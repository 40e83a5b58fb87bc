// SPDX-License-Identifier: Apache-2.0

// Coroutines that ask a client pool, on real threads.

#include "../support/doubling_store.hpp"

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// Asks twice for each record: four times the number.
struct quadruple : weir::async_function<std::int64_t, std::int64_t> {
  explicit quadruple(const weir::client_pool& of) : pool(of), twice(of.statement("twice", 1)) {}

  weir::expected<void> open(weir::function_context& context) {
    client = &pool.bind(context);
    return {};
  }

  auto ask(std::int64_t n) {
    weir::value_list arguments;
    arguments.emplace_back(n);
    return weir::await_answer(*client, twice, std::move(arguments));
  }

  weir::task<std::int64_t> async_invoke(const std::int64_t& n) {
    const auto once = co_await ask(n);
    if (!once)
      co_return once.why();
    const auto again = co_await ask(std::get<std::int64_t>(once->cell(0, 0)));
    if (!again)
      co_return again.why();
    co_return std::get<std::int64_t>(again->cell(0, 0));
  }

  weir::client_pool pool;
  weir::statement_id twice;
  weir::pool_client* client = nullptr;
};

struct quadrupling {
  weir::job_result run(std::vector<std::int64_t> numbers) {
    weir::environment env;
    const auto pool = env.client_pool(weir::testing::doubling_store());
    weir::async_data_stream::ordered_wait(
      env.from_source(weir::collection_source<std::int64_t>{std::move(numbers)}), quadruple{pool},
      {.name = "quadruple", .timeout = 1min})
      .sink_to([this](std::int64_t n) { out.push_back(n); });
    return env.execute("numbers");
  }

  std::vector<std::int64_t> out;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(awaited_answers, quadrupling)

BOOST_AUTO_TEST_CASE(a_coroutine_may_ask_again_with_what_it_was_answered) {
  std::vector<std::int64_t> numbers(2'000);
  for (std::size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<std::int64_t>(i);
  BOOST_TEST(run(numbers).text() == "done");
  BOOST_REQUIRE_EQUAL(out.size(), numbers.size());
  for (std::size_t i = 0; i < out.size(); ++i)
    BOOST_REQUIRE_EQUAL(out[i], 4 * numbers[i]);
}

BOOST_AUTO_TEST_CASE(an_error_of_the_store_comes_out_of_the_await) {
  const auto result = run({1, -1});
  BOOST_TEST((result.end == weir::job_end::failed));
  BOOST_TEST(result.why.at(0).is("refused"));
}

BOOST_AUTO_TEST_SUITE_END()
