// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "answering_store.hpp"

namespace bench {

std::vector<measurement> latency() {
  std::vector<measurement> all;
  for (const auto mode : {weir::output_mode::ordered, weir::output_mode::unordered})
    all.push_back({name_of(mode), 10'000, 10'000'000, 1'000'000,
                   [=](std::uint64_t records) { return run_answered_later(records, mode, 10'000, std::chrono::milliseconds{1}); }});
  return all;
}

} // namespace bench
