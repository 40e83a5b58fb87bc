// SPDX-License-Identifier: Apache-2.0
#include "weir/weir.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

int main() {
  // Stands for the asynchronous client of a store: each question is answered by a thread of its own.
  std::vector<std::jthread> client;

  weir::environment env;
  const auto airports
    = env.from_source(weir::collection_source<std::string>{{"HAM", "OSL", "LIS"}});
  const auto answers = weir::async_data_stream::ordered_wait(
    airports,
    [&client](const std::string& airport, weir::result_future<std::string> done) {
      client.emplace_back([airport, done = std::move(done)]() mutable {
        done.complete(airport + " is open");
      });
    },
    {.name = "is it open", .timeout = std::chrono::seconds{10}, .capacity = 100});
  answers.sink_to([](const std::string& answer) { std::cout << answer << '\n'; });

  const auto result = env.execute("hello");
  if (!result.ok())
    std::cerr << result.text() << '\n';
  return result.ok() ? 0 : 1;
}
