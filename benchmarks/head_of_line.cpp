// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"
#include "numbers.hpp"

namespace bench {

namespace {

using namespace std::chrono_literals;

outcome run(std::uint64_t records, weir::output_mode mode, std::size_t capacity) {
  const auto sum = std::make_shared<checked_sum>();
  answering_store<number> store{{5ms, 500ms}};
  weir::environment env;
  const auto ask = [&store](const number& x, weir::result_future<number> done) {
    store.ask(x % 100 == 37 ? 1 : 0, 2 * x, std::move(done));
  };
  async_wait(env.from_source(numbers_to(records, sum)), mode, ask,
             {.name = "ask", .timeout = 10s, .capacity = capacity, .max_concurrent_calls = 100})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace

std::vector<measurement> head_of_line() {
  std::vector<measurement> all;
  for (const std::size_t capacity : {std::size_t{100}, std::size_t{10'000}})
    for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered}) {
      measurement made{name_of(mode), capacity, 5'000, 1'000,
                       [=](std::uint64_t records) { return run(records, mode, capacity); },
                       {{"max_concurrent_calls", 100}}};
      made.warms_up = false;
      all.push_back(std::move(made));
    }
  return all;
}

} // namespace bench
