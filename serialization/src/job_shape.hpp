// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What of two jobs must be the same for the records of one to come the same ways in the other. Pure
/// functions; any thread.

#include "weir/manifest.hpp"

#include <set>
#include <string>
#include <vector>

namespace weir {

/// The stages with their parallelism and the edges, by names: in which order they stand does not matter, and
/// how often there is an edge does.
inline std::multiset<std::string> job_shape(const std::vector<manifest_stage>& stages,
                                            const std::vector<manifest_edge>& edges) {
  std::multiset<std::string> all;
  for (const auto& each : stages)
    all.insert(each.name + '\0' + std::to_string(each.parallelism));
  for (const auto& each : edges)
    if (each.from < stages.size() && each.to < stages.size())
      all.insert(stages[each.from].name + '\0' + stages[each.to].name + '\0'
                 + std::to_string(static_cast<int>(each.output))
                 + std::to_string(static_cast<int>(each.how)));
  return all;
}

} // namespace weir
