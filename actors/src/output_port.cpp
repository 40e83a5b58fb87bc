// SPDX-License-Identifier: Apache-2.0
#include "output_port.hpp"

#include "direct_port.hpp"
#include "staged_port.hpp"

#include <utility>

namespace weir {

std::unique_ptr<output_port> make_output_port(const std::vector<edge_parts>& edges,
                                              std::unique_ptr<batch_base> prototype,
                                              batch_limits limits, output_port::sender send) {
  if (edges.empty())
    return std::make_unique<direct_port>(std::vector<lane_target>{}, std::move(prototype), limits,
                                         std::move(send));
  if (edges.size() == 1 && edges[0].steps.empty() && !edges[0].keys)
    return std::make_unique<direct_port>(edges[0].targets, std::move(prototype), limits,
                                         std::move(send));
  return std::make_unique<staged_port>(edges, std::move(prototype), limits, std::move(send));
}

} // namespace weir
