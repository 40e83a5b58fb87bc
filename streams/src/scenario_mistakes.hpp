// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What keeps a scenario from being run, beyond the rules of its language. Pure functions.

#include "weir/error.hpp"
#include "weir/scenario.hpp"

#include <optional>

namespace weir::simulation::detail {

/// The first: settings that no operator takes, or a restore of a barrier that has not come.
std::optional<error> mistake_in(const scenario& what);

} // namespace weir::simulation::detail
