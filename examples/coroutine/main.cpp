// SPDX-License-Identifier: Apache-2.0
//
// New here: a function that is a coroutine. It asks the directory twice for each flight, the second time
// with what the first answer said, and reads as if it waited. It holds no thread: the directory answers on
// a thread of its own, and the coroutine goes on on the operator's.

#include "weir/weir.hpp"

#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

/// The asynchronous client of a store, with callbacks.
class directory {
public:
  using callback = weir::unique_function<void(std::string)>;

  /// Answers on a thread of its own.
  void find(std::string what, callback then) {
    threads_.emplace_back([what = std::move(what), then = std::move(then), this]() mutable {
      then(answers_.at(what));
    });
  }

private:
  const std::map<std::string, std::string> answers_{
    {"HAM", "Hamburg"}, {"LIS", "Lisbon"}, {"Hamburg", "Germany"}, {"Lisbon", "Portugal"}};
  std::vector<std::jthread> threads_;
};

/// Takes the airport by value: a coroutine begins after this function has returned.
weir::task<std::string> find_country(directory& asks, std::string airport) {
  const auto city = co_await weir::await_callback<std::string>(
    [&](auto then) { asks.find(airport, std::move(then)); });
  const auto country = co_await weir::await_callback<std::string>(
    [&](auto then) { asks.find(city, std::move(then)); });
  co_return airport + " is in " + city + ", " + country;
}

} // namespace

int main() {
  directory asks;
  weir::environment env;
  const auto airports
    = env.from_source(weir::collection_source<std::string>{{"HAM", "LIS", "HAM"}});
  const auto lines = weir::async_data_stream::ordered_wait(
    airports,
    [&asks](const std::string& airport) -> weir::task<std::string> {
      return find_country(asks, airport);
    },
    {.name = "country", .timeout = std::chrono::seconds{10}});
  lines.sink_to([](const std::string& line) { std::cout << line << '\n'; });

  const auto result = env.execute("coroutine");
  if (!result.ok())
    std::cerr << result.text() << '\n';
  return result.ok() ? 0 : 1;
}
