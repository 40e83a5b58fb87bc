// SPDX-License-Identifier: Apache-2.0

// Which store a function asks.

#include "weir/weir.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace std::chrono_literals;

namespace {

/// Answers each question with nothing, at once.
class empty_driver : public weir::client_driver {
public:
  weir::expected<void> open(const std::vector<weir::statement_declaration>&,
                            weir::result_receiver&) override {
    return {};
  }
  std::size_t permits() const override { return 1; }
  std::size_t window() const override { return 1; }
  void submit(std::span<weir::question>) override {}
  void cancel(std::span<const weir::call_token>) override {}
  void close() override {}
};

struct asking : weir::async_function<int, int> {
  explicit asking(weir::client_pool from) : pool(std::move(from)) {}

  weir::expected<void> open(weir::function_context& context) {
    pool.bind(context);
    return {};
  }
  void async_invoke(const int& in, weir::result_future<int> done) { done.complete(in); }

  weir::client_pool pool;
};

weir::pool_options store(const std::string& name) {
  return {.name = name,
          .driver = [](const weir::driver_settings&)
            -> weir::expected<std::unique_ptr<weir::client_driver>> {
            return std::unique_ptr<weir::client_driver>{std::make_unique<empty_driver>()};
          },
          .url = "none:"};
}

weir::job_result run(weir::environment& env, const weir::client_pool& pool) {
  weir::async_data_stream::ordered_wait(env.from_source(weir::collection_source<int>{{1}}),
                                        asking{pool}, {.name = "ask", .timeout = 0s})
    .sink_to([](int) {});
  return env.execute("asking");
}

} // namespace

BOOST_AUTO_TEST_SUITE(client_pools)

BOOST_AUTO_TEST_CASE(a_function_asks_the_pool_of_its_own_environment) {
  weir::environment env;
  const auto pool = env.client_pool(store("own"));
  BOOST_TEST(run(env, pool).ok());
}

BOOST_AUTO_TEST_CASE(a_pool_of_another_environment_is_refused) {
  weir::environment other;
  const auto pool = other.client_pool(store("other"));
  weir::environment env;
  env.client_pool(store("own"));
  const auto result = run(env, pool);
  BOOST_TEST((result.end == weir::job_end::failed));
  BOOST_TEST(result.text().find("made by another environment") != std::string::npos, result.text());
}

BOOST_AUTO_TEST_CASE(a_driver_that_throws_when_it_opens_fails_the_job) {
  struct throwing_driver : empty_driver {
    weir::expected<void> open(const std::vector<weir::statement_declaration>&,
                              weir::result_receiver&) override {
      throw std::runtime_error("no route");
    }
  };
  weir::environment env;
  auto options = store("far");
  options.driver = [](const weir::driver_settings&)
    -> weir::expected<std::unique_ptr<weir::client_driver>> {
    return std::unique_ptr<weir::client_driver>{std::make_unique<throwing_driver>()};
  };
  const auto result = run(env, env.client_pool(options));
  BOOST_TEST((result.end == weir::job_end::failed));
  BOOST_TEST(result.why.at(0).text() == "pool far: it threw: no route (exception)");
}

BOOST_AUTO_TEST_CASE(a_factory_that_makes_no_driver_fails_the_job) {
  weir::environment env;
  auto options = store("far");
  options.driver = [](const weir::driver_settings&)
    -> weir::expected<std::unique_ptr<weir::client_driver>> {
    return std::unique_ptr<weir::client_driver>{};
  };
  const auto result = run(env, env.client_pool(options));
  BOOST_TEST(result.why.at(0).text() == "pool far: its factory made no driver (argument)");
}

BOOST_AUTO_TEST_SUITE_END()
