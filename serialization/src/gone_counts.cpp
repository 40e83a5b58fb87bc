// SPDX-License-Identifier: Apache-2.0

#include "weir/gone_counts.hpp"

#include "weir/manifest.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

namespace {

constexpr std::array<std::pair<std::string_view, std::uint64_t gone_counts::*>, 3> counters{
  {{"let_go", &gone_counts::let_go},
   {"gone_dropped", &gone_counts::dropped},
   {"gone_dead_letters", &gone_counts::dead_letters}}};

} // namespace

gone_counts gone_in(const manifest& of) {
  gone_counts sum;
  for (const auto& instance : of.instances)
    for (const auto& each : instance.summary.counters)
      for (const auto& [name, count] : counters)
        if (each.name == name)
          sum.*count += each.count;
  return sum;
}

void write_gone(manifest& to, const gone_counts& what) {
  if (to.instances.empty())
    return;
  for (const auto& [name, count] : counters)
    if (what.*count > 0)
      to.instances.front().summary.counters.push_back({std::string{name}, what.*count});
}

} // namespace weir
