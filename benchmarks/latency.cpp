// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"
#include "numbers.hpp"

namespace bench {

namespace {

using namespace std::chrono_literals;

outcome run(std::uint64_t records, weir::output_mode mode, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  answering_store<number> store{{1ms}};
  weir::environment env;
  const auto ask = [&store](const number& x, weir::result_future<number> done) {
    store.ask(0, 2 * x, std::move(done));
  };
  async_wait(env.from_source(numbers_to(records, sum)), mode, ask,
             {.name = "ask", .timeout = 10s, .capacity = capacity})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace

std::vector<measurement> latency() {
  std::vector<measurement> all;
  for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
    all.push_back({name_of(mode), 10'000, 10'000'000, 1'000'000,
                   [=](std::uint64_t records) { return run(records, mode, 10'000); }});
  return all;
}

} // namespace bench
