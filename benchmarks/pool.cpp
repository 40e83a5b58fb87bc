// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "doubling_lookup.hpp"

#include <span>
#include <vector>

namespace bench {

namespace {

using namespace std::chrono_literals;

/// Knows every answer at once, as a store in this process does.
class instant_driver final : public weir::client_driver {
public:
  weir::expected<void> open(const std::vector<weir::statement_declaration>&,
                            weir::result_receiver& results) override {
    results_ = &results;
    return {};
  }

  std::size_t permits() const override { return 100'000; }
  std::size_t window() const override { return 100'000; }

  void submit(std::span<weir::question> questions) override {
    for (const auto& each : questions)
      answers_.push_back({each.token, twice(each.arguments[0])});
    results_->receive(answers_);
    answers_.clear();
  }

  void cancel(std::span<const weir::call_token>) override {}
  void close() override {}

private:
  weir::result_receiver* results_ = nullptr;
  std::vector<weir::call_result> answers_;
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
