// SPDX-License-Identifier: Apache-2.0

// The smallest service that uses weir: three numbers through an async wait operator, and a driver made
// but not opened, so that the driver's library must be linked too.
#include "weir/sqlite_driver.hpp"
#include "weir/version.hpp"
#include "weir/weir.hpp"

#include <chrono>
#include <cstdio>

int main() {
  using namespace std::chrono_literals;

  weir::environment env;
  auto numbers = env.from_source(weir::collection_source<int>({1, 2, 3}));
  auto doubled = weir::async_data_stream::ordered_wait(
    numbers, [](const int& n, weir::result_future<int> done) { done.complete(2 * n); },
    {.name = "double", .timeout = 1s});
  int sum = 0;
  doubled.sink_to(weir::make_callback_sink<int>([&sum](int n) { sum += n; }));
  const auto result = env.execute("consumer");

  const auto driver = weir::sqlite_driver({.pool = "store", .url = "sqlite:store.db", .options = {}});

  std::printf("weir %s: %d\n", weir::version_text, sum);
  return result.ok() && driver.has_value() ? 0 : 1;
}
