// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Draws what happened in a scenario as text: a row for each element, a group of columns for each
/// millisecond in which something happened, and behind each row a sentence that says why the element left
/// when it left. Pure functions; any thread. docs/scenarios.md explains the signs.

#include "weir/machine_simulation.hpp"
#include "weir/scenario.hpp"

#include <string>
#include <vector>

namespace weir::tool {

/// What the signs mean; several lines.
std::string timeline_legend();

/// Pages of at most 100 columns, with a heading. `log` is of a run of `of`.
std::string timeline_text(const simulation::scenario& of,
                          const std::vector<simulation::happening>& log);

} // namespace weir::tool
