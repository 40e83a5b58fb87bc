// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"
#include "numbers.hpp"

#include <optional>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// A watermark behind each so many records.
struct watermark_each {
  number distance;

  weir::event_time on_record(const number& x, weir::event_time at) const {
    return x % distance == distance - 1 ? at : weir::event_time::none();
  }
  static weir::event_time on_interval(weir::time_point) { return weir::event_time::none(); }
};

/// `distance`: 0 = no event times and no watermarks.
weir::stream<number> numbers_with(weir::environment& env, std::uint64_t records,
                                  const std::shared_ptr<checked_sum>& sum, number distance) {
  const auto from = env.from_source(numbers_to(records, sum));
  if (distance == 0)
    return from;
  return from.assign_timestamps([](const number& x) { return weir::event_time{x}; },
                                weir::generated_watermarks{watermark_each{distance}});
}

outcome run(std::uint64_t records, weir::output_mode mode, bool later, number distance) {
  const auto sum = std::make_shared<checked_sum>();
  std::optional<answering_store<number>> store;
  if (later)
    store.emplace(std::vector<std::chrono::nanoseconds>{1ms});
  weir::environment env;
  const auto ask = [&store](const number& x, weir::result_future<number> done) {
    if (store)
      store->ask(0, 2 * x, std::move(done));
    else
      done.complete(2 * x);
  };
  async_wait(numbers_with(env, records, sum, distance), mode, ask,
             {.name = "ask", .timeout = 10s, .capacity = later ? std::size_t{10'000} : std::size_t{100}})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace

std::vector<measurement> watermarks() {
  std::vector<measurement> all;
  for (const bool later : {false, true})
    for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
      for (const number distance : {0, 1'000, 100, 10, 1})
        all.push_back({std::string{name_of(mode)} + (later ? ", 1 ms later" : ", at once"),
                       later ? std::size_t{10'000} : std::size_t{100}, 10'000'000, 1'000'000,
                       [=](std::uint64_t records) { return run(records, mode, later, distance); },
                       {{"watermark_each", static_cast<double>(distance)}}});
  return all;
}

} // namespace bench
