// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs a scenario on the operator's actor, in virtual time: the same scenarios as `simulate`, with credit,
/// batches, messages and wake-ups around the machine, and the same traces. Pure; any thread.
/// tests/streams/actor_simulation_test.cpp.

#include "weir/machine_simulation.hpp"

namespace weir::simulation {

/// As `simulate`. Events and, while a time is awaited, each second count as steps.
expected<trace> simulate_on_actors(const scenario& what, const simulation_limits& limits = {});

} // namespace weir::simulation
