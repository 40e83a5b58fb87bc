// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "numbers.hpp"
#include "scratch_folder.hpp"


namespace bench {

namespace {

using namespace std::chrono_literals;

outcome run(std::uint64_t records, weir::output_mode mode, std::uint32_t threads, bool checkpointed) {
  const scratch_folder place;
  const auto sum = std::make_shared<checked_sum>();
  weir::environment env{{.threads = threads}};
  if (checkpointed) {
    weir::checkpoint_options each;
    each.directory = place.in("checkpoints");
    each.interval = 100ms;
    env.enable_checkpointing(each);
  }
  const auto twice = [](const number& x, weir::result_future<number> done) { done.complete(2 * x); };
  async_wait(env.from_source(numbers_to(records, sum)), mode, twice, {.name = "twice", .timeout = 10s})
    .sink_to(checking_sink{sum});
  return run_checked(env, *sum, records, mode);
}

} // namespace

std::vector<measurement> instant() {
  std::vector<measurement> all;
  for (const bool checkpointed : {false, true})
    for (const auto threads : {1u, 2u})
      for (const auto mode :
           {weir::output_mode::ordered, weir::output_mode::unordered, weir::output_mode::key_ordered})
        all.push_back({name_of(mode), 100, 50'000'000, 5'000'000,
                       [=](std::uint64_t records) { return run(records, mode, threads, checkpointed); },
                       {{"threads", threads}, {"checkpoint_each_ms", checkpointed ? 100 : 0}}});
  return all;
}

} // namespace bench
