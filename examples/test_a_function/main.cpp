// SPDX-License-Identifier: Apache-2.0
//
// New here: a test of a function. It runs as in a job, in the operator's own actor, but alone, on a clock
// that the test moves, against a store whose answers the test writes. Nothing is waited for, and every run
// is the same: a late answer, a retry after an hour and a crash between two answers take no time at all.

#include "weir/testing.hpp"
#include "weir/weir.hpp"

#include <iostream>
#include <string>
#include <utility>

using namespace std::chrono_literals;
namespace testing = weir::testing;

namespace {

/// The function under test: asks a store for an airport's city.
class city_of : public weir::async_function<std::string, std::string> {
public:
  explicit city_of(weir::client_pool store)
    : store_(std::move(store)), statement_(store_.statement("city of", 1)) {}

  weir::expected<void> open(weir::function_context& context) {
    asks_ = &store_.bind(context);
    return {};
  }

  void async_invoke(const std::string& code, weir::result_future<std::string> done) {
    const auto deadline = done.deadline();
    asks_->ask(statement_, {code}, deadline,
               [done = std::move(done)](weir::expected<weir::answer> got) mutable {
                 if (!got)
                   done.fail(std::move(got).why());
                 else if (got->rows() == 0)
                   done.complete_empty();
                 else
                   done.complete(std::get<std::string>(got->cell(0, 0)));
               });
  }

private:
  weir::client_pool store_;
  weir::statement_id statement_;
  weir::pool_client* asks_ = nullptr;
};

int failed = 0;

void expect(bool holds, const std::string& what) {
  std::cout << (holds ? "ok      " : "FAILED  ") << what << '\n';
  failed += holds ? 0 : 1;
}

weir::answer city(const std::string& name) {
  return testing::one_row({{"city", name}});
}

} // namespace

int main() {
  testing::virtual_clock clock;
  testing::scripted_store store{clock};
  store.answer({"HAM"}, city("Hamburg"), 20ms);
  store.answer({"OSL"}, city("Oslo"), 5ms);
  store.answer({"???"}, testing::no_rows(), 1ms);
  store.fail({"LIS"}, {weir::error_kind::overloaded, "store", "later"}, 1ms);
  store.answer({"LIS"}, city("Lisbon"), 1ms);

  weir::environment env;
  const auto pool = env.client_pool({.name = "store", .driver = store.driver()});
  testing::operator_harness cities{clock,
                                   city_of{pool},
                                   {.name = "cities",
                                    .timeout = 2h,
                                    .retry = weir::fixed_delay{1, 1h, weir::any_error()}},
                                   weir::output_mode::ordered,
                                   &env};
  using strings = std::vector<std::string>;

  cities.push("HAM");
  cities.push("OSL");
  clock.advance(19ms);
  expect(cities.results().empty(), "an answer waits for those of the records before it");
  clock.advance(1ms);
  expect(cities.results() == strings{"Hamburg", "Oslo"}, "and leaves with them");

  cities.push("???");
  clock.advance(1ms);
  expect(cities.results().empty() && cities.status().records_finished == 3, "no row, no result");

  cities.push("LIS");
  clock.advance(30min);
  expect(store.asked().size() == 4, "a busy store is not asked again at once");

  const auto saved = cities.checkpoint();
  clock.advance(15min);
  cities.crash_and_restore(saved);
  clock.advance(30min - 1ms);
  expect(store.asked().size() == 4, "a back-off lasts as long over a crash as without");
  clock.advance(3ms);
  expect(cities.results() == strings{"Lisbon"}, "and then the record has its answer");
  return failed;
}
