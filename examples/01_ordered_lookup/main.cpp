// SPDX-License-Identifier: Apache-2.0
//
// New here: an ordered lookup. Each flight asks a directory for the city that it flies to. All six
// questions are under way at once and the directory answers later ones first, yet the results leave in
// the order of the flights.

#include "weir/weir.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

struct flight {
  std::string number;
  std::string destination;
};

/// The asynchronous client of a store, as somebody else may have written it: it takes a callback and
/// calls it later, on its own thread. It answers three questions at a time, the last one first.
class directory {
public:
  using callback = std::function<void(const std::string& city)>;

  void find_city(std::string airport, callback then) {
    {
      const std::lock_guard guard{mutex_};
      asked_.emplace_back(std::move(airport), std::move(then));
    }
    changed_.notify_one();
  }

private:
  static constexpr std::size_t at_a_time = 3;

  void answer(std::stop_token stop) {
    std::unique_lock lock{mutex_};
    while (changed_.wait(lock, stop, [this] { return asked_.size() >= at_a_time; })) {
      const auto first = asked_.begin();
      std::vector three(std::make_move_iterator(first),
                        std::make_move_iterator(first + at_a_time));
      asked_.erase(first, first + at_a_time);
      lock.unlock();
      for (auto next = three.rbegin(); next != three.rend(); ++next)
        next->second(cities_.at(next->first));
      lock.lock();
    }
  }

  const std::map<std::string, std::string> cities_{
    {"AMS", "Amsterdam"}, {"HAM", "Hamburg"}, {"LIS", "Lisbon"}, {"OSL", "Oslo"}};
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::vector<std::pair<std::string, callback>> asked_;
  /// Last, so that it ends before what it uses.
  std::jthread thread_{[this](std::stop_token stop) { answer(std::move(stop)); }};
};

/// What an operator does with each record: starts a question, and returns without waiting.
class destination_lookup : public weir::async_function<flight, std::string> {
public:
  explicit destination_lookup(std::shared_ptr<directory> asks) : asks_(std::move(asks)) {}

  void async_invoke(const flight& of, weir::result_future<std::string> done) {
    // The client's callback must be copyable, and a result future can only be moved.
    auto shared = std::make_shared<weir::result_future<std::string>>(std::move(done));
    asks_->find_city(of.destination, [number = of.number, shared](const std::string& city) {
      shared->complete(number + " flies to " + city);
    });
  }

private:
  std::shared_ptr<directory> asks_;
};

} // namespace

int main() {
  weir::environment env;
  const auto flights = env.from_source(weir::collection_source<flight>{{{"W1", "HAM"},
                                                                        {"W2", "OSL"},
                                                                        {"W3", "LIS"},
                                                                        {"W4", "AMS"},
                                                                        {"W5", "HAM"},
                                                                        {"W6", "OSL"}}});
  const auto lines = weir::async_data_stream::ordered_wait(
    flights, destination_lookup{std::make_shared<directory>()},
    {.name = "destination", .timeout = std::chrono::seconds{10}, .capacity = 100});
  lines.sink_to([](const std::string& line) { std::cout << line << '\n'; });

  const auto result = env.execute("ordered lookup");
  if (!result.ok())
    std::cerr << result.text() << '\n';
  return result.ok() ? 0 : 1;
}
