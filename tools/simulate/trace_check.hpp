// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Compares what the operator did with what was recorded, or with what another did. Pure functions; any thread.

#include "weir/scenario.hpp"

#include <string>

namespace weir::tool {

/// Two columns around the first line that differs, for the output, the calls and the failure; empty
/// where the traces agree. Of a trace that says so, the output alone is compared, without its times.
std::string difference_text(const simulation::trace& expected, const simulation::trace& came);

/// A line for each number of the accounts that differs; empty where they agree or one is absent.
std::string account_difference_text(const simulation::trace& expected,
                                    const simulation::trace& came);

} // namespace weir::tool
