// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"
#include "doubling_lookup.hpp"
#include "measure.hpp"

#include <thread>

namespace bench {

namespace {

using namespace std::chrono_literals;

constexpr auto latency = 5ms;

/// Most threads that there were.
class thread_count {
public:
  thread_count() : watcher_([this](const std::stop_token& stop) {
    for (; !stop.stop_requested(); std::this_thread::sleep_for(20ms))
      most_ = std::max(most_, threads());
  }) {}

  /// Without the one that counts.
  double most() {
    watcher_.request_stop();
    watcher_.join();
    return most_ - 1;
  }

private:
  double most_ = 0;
  std::jthread watcher_;
};

outcome with(outcome of, thread_count& threads, std::size_t connections) {
  of.more = {{"threads", threads.most()}, {"connections", static_cast<double>(connections)}};
  return of;
}

/// As one writes it without: the thread waits for the answer.
outcome run_blocking_map(std::uint64_t records, std::uint32_t parallelism) {
  thread_count threads;
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env{{.threads = parallelism}};
  env.from_source(numbers_to(records, sum), {.parallelism = parallelism})
    .map([](const number& x) {
      std::this_thread::sleep_for(latency);
      return 2 * x;
    })
    .sink_to(checking_sink{sum});
  return with(run_checked(env, *sum, records, weir::output_mode::unordered), threads, parallelism);
}

/// A client that has many questions under way on one connection.
outcome run_async(std::uint64_t records) {
  thread_count threads;
  const auto sum = std::make_shared<checked_sum>();
  answering_store<number> store{{latency}};
  weir::environment env;
  const auto ask = [&store](const number& x, weir::result_future<number> done) {
    store.ask(0, 2 * x, std::move(done));
  };
  weir::async_data_stream::ordered_wait(env.from_source(numbers_to(records, sum)), ask,
                                        {.name = "ask", .timeout = 10s, .capacity = 100})
    .sink_to(checking_sink{sum});
  return with(run_checked(env, *sum, records, weir::output_mode::ordered), threads, 1);
}

class slow_connection final : public weir::blocking_connection {
public:
  weir::expected<void> open(const std::vector<weir::statement_declaration>&) override { return {}; }
  weir::expected<weir::answer> execute(weir::statement_id, std::span<const weir::value> arguments,
                                       weir::time_point) override {
    std::this_thread::sleep_for(latency);
    return twice(arguments[0]);
  }
};

/// A client that blocks, so that it takes a connection and a thread for each question that is under way.
outcome run_async_on_blocking_clients(std::uint64_t records) {
  constexpr std::size_t connections = 100;
  thread_count threads;
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env;
  const auto store = env.client_pool({.name = "store",
                                      .driver = blocking_driver_of<slow_connection>(),
                                      .url = "slow:",
                                      .connections = connections});
  weir::async_data_stream::ordered_wait(env.from_source(numbers_to(records, sum)), doubling_lookup{store},
                                        {.name = "ask", .timeout = 10s, .capacity = connections})
    .sink_to(checking_sink{sum});
  return with(run_checked(env, *sum, records, weir::output_mode::ordered), threads, connections);
}

measurement slow(measurement of) {
  of.warms_up = false;
  return of;
}

} // namespace

std::vector<measurement> why_async() {
  std::vector<measurement> all;
  for (const std::uint32_t parallelism : {1, 16, 100})
    all.push_back(slow({"blocking map", parallelism, 400u * parallelism, 64u * parallelism,
                        [=](std::uint64_t records) { return run_blocking_map(records, parallelism); },
                        {{"parallelism", parallelism}}}));
  all.push_back(slow({"async, one connection", 100, 40'000, 6'400, &run_async, {{"parallelism", 1}}}));
  all.push_back(slow({"async, a connection each", 100, 40'000, 6'400, &run_async_on_blocking_clients,
                      {{"parallelism", 1}}}));
  return all;
}

} // namespace bench
