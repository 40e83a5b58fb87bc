// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "instant_driver.hpp"

namespace bench {

namespace {

using namespace std::chrono_literals;

outcome run(std::uint64_t records, weir::output_mode mode) {
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env;
  const auto store = instant_store(env);
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
