// SPDX-License-Identifier: Apache-2.0
//
// New here: a timeout, its hook, and a fallback. The directory never answers for one airport and refuses
// another. The job goes on all the same: the hook says what stands in the place of an answer that came too
// late, and the fallback what stands in the place of one that failed for good.

#include "weir/weir.hpp"

#include <chrono>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace {

/// A directory that answers at once, or not at all.
class directory {
public:
  using callback = weir::unique_function<void(std::optional<std::string> city)>;

  void find_city(const std::string& airport, callback then) {
    if (airport == "OSL")
      hangs_.push_back(std::move(then));
    else if (airport == "XXX")
      then(std::nullopt);
    else
      then("the city of " + airport);
  }

private:
  /// Questions that are never answered.
  std::vector<callback> hangs_;
};

class city_lookup : public weir::async_function<std::string, std::string> {
public:
  explicit city_lookup(std::shared_ptr<directory> asks) : asks_(std::move(asks)) {}

  void async_invoke(const std::string& airport, weir::result_future<std::string> done) {
    asks_->find_city(airport, [airport, done = std::move(done)](
                                const std::optional<std::string>& city) mutable {
      if (city)
        done.complete(airport + ": " + *city);
      else
        done.fail({weir::error_kind::refused, "directory", "it does not know " + airport});
    });
  }

  /// The timeout hook: the record's time is up.
  void timeout(const std::string& airport, weir::result_future<std::string> done) {
    done.complete(airport + ": no answer in time");
  }

  /// The record has failed for good; what this gives leaves in its place.
  std::optional<std::string> fallback(const std::string& airport, const weir::error& why) {
    return airport + ": " + why.message();
  }

private:
  std::shared_ptr<directory> asks_;
};

} // namespace

int main() {
  weir::environment env;
  const auto airports
    = env.from_source(weir::collection_source<std::string>{{"HAM", "OSL", "XXX", "LIS"}});
  const auto lines = weir::async_data_stream::ordered_wait(
    airports, city_lookup{std::make_shared<directory>()},
    {.name = "city", .timeout = std::chrono::milliseconds{50}});
  lines.sink_to([](const std::string& line) { std::cout << line << '\n'; });

  auto job = env.start("timeout and fallback");
  const auto result = job.wait();
  std::cout << job.status().operators.front().timeouts << " timeout\n";
  return result.ok() ? 0 : 1;
}
