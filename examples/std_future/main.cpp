// SPDX-License-Identifier: Apache-2.0
//
// New here: clients that give a std::future and nothing better. A future tells nobody that it is ready, and a
// call must not wait for it on the operator's thread. So a waiting pool, a few threads of the job's, waits for
// any number of them: in the first operator it completes the call, in the second a coroutine awaits two
// futures, one after the other.

#include "weir/weir.hpp"

#include <chrono>
#include <future>
#include <iostream>
#include <map>
#include <string>
#include <utility>

namespace {

/// The client of a directory, whose answers are futures. What it does not know it throws.
std::future<std::string> city_of(const std::string& airport) {
  return std::async(std::launch::async, [airport] {
    static const std::map<std::string, std::string> cities{
      {"HAM", "Hamburg"}, {"LIS", "Lisbon"}, {"OSL", "Oslo"}};
    return cities.at(airport);
  });
}

std::future<int> temperature_in(const std::string& city) {
  return std::async(std::launch::async, [city] { return static_cast<int>(city.size()) + 10; });
}

std::future<std::string> country_of(const std::string& city) {
  return std::async(std::launch::async, [city] {
    static const std::map<std::string, std::string> countries{
      {"Hamburg", "Germany"}, {"Lisbon", "Portugal"}, {"Oslo", "Norway"}};
    return countries.at(city);
  });
}

} // namespace

int main() {
  weir::environment env;
  const auto waits = env.waiting_pool({.name = "futures", .threads = 2});
  const auto airports
    = env.from_source(weir::collection_source<std::string>{{"HAM", "XXX", "LIS", "OSL"}});

  const auto cities = weir::async_data_stream::ordered_wait(
    airports,
    [waits](const std::string& airport, weir::result_future<std::string> done) {
      waits.complete_from(city_of(airport), std::move(done));
    },
    {.name = "city",
     .timeout = std::chrono::seconds{10},
     .on_failure = weir::failure_action::dead_letter});
  cities.dead_letters().sink_to(
    [](const weir::dead_letter<std::string>& of) { std::cerr << of.why.text() << '\n'; },
    {.name = "unknown"});

  const auto lines = weir::async_data_stream::ordered_wait(
    cities,
    [waits](const std::string& city) -> weir::task<std::string> {
      const auto country = co_await waits.await(country_of(city));
      const auto temperature = co_await waits.await(temperature_in(city));
      co_return city + ", " + country + ": " + std::to_string(temperature) + " degrees";
    },
    {.name = "weather", .timeout = std::chrono::seconds{10}});
  lines.sink_to([](const std::string& line) { std::cout << line << '\n'; });

  const auto result = env.execute("weather");
  if (!result.ok())
    std::cerr << result.text() << '\n';
  return result.ok() ? 0 : 1;
}
