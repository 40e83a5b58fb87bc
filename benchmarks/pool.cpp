// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "doubling_lookup.hpp"

#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// Answers all that it is given as soon as its thread sees it, span by span.
class instant_driver final : public weir::client_driver {
public:
  weir::expected<void> open(const std::vector<weir::statement_declaration>&,
                            weir::result_receiver& results) override {
    results_ = &results;
    thread_ = std::jthread{[this](const std::stop_token& stop) { answer(stop); }};
    return {};
  }

  std::size_t permits() const override { return 100'000; }
  std::size_t window() const override { return 100'000; }

  void submit(std::span<weir::question> questions) override {
    {
      const std::lock_guard guard{mutex_};
      for (auto& each : questions)
        given_.push_back(std::move(each));
    }
    come_.notify_one();
  }

  void cancel(std::span<const weir::call_token>) override {}

  void close() override {
    thread_.request_stop();
    if (thread_.joinable())
      thread_.join();
  }

private:
  void answer(const std::stop_token& stop) {
    std::vector<weir::question> taken;
    std::vector<weir::call_result> results;
    for (;;) {
      {
        std::unique_lock guard{mutex_};
        if (!come_.wait(guard, stop, [&] { return !given_.empty(); }))
          return;
        taken.swap(given_);
      }
      for (const auto& each : taken)
        results.push_back({each.token, twice(each.arguments[0])});
      results_->receive(results);
      results.clear();
      taken.clear();
    }
  }

  weir::result_receiver* results_ = nullptr;
  std::mutex mutex_;
  std::condition_variable_any come_;
  std::vector<weir::question> given_;
  std::jthread thread_;
};

outcome run(std::uint64_t records, weir::output_mode mode) {
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env;
  const auto store = env.client_pool(
    {.name = "store",
     .driver = [](const weir::driver_settings&) -> weir::expected<std::unique_ptr<weir::client_driver>> {
       return std::unique_ptr<weir::client_driver>{std::make_unique<instant_driver>()};
     },
     .url = "instant:"});
  async_wait(env.from_source(numbers_to(records, sum)), mode, doubling_lookup{store},
             {.name = "twice", .timeout = 10s, .capacity = 1'000})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace

std::vector<measurement> pool() {
  std::vector<measurement> all;
  for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
    all.push_back({name_of(mode), 1'000, 10'000'000, 1'000'000,
                   [=](std::uint64_t records) { return run(records, mode); }});
  return all;
}

} // namespace bench
