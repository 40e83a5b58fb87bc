// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs a scenario on the operator's actor, in virtual time: the same scenarios as `simulate`, with credit,
/// batches, messages and wake-ups around the machine, and the same traces. Pure; any thread.
/// tests/streams/actor_simulation_test.cpp.

#include "weir/machine_simulation.hpp"

namespace weir::simulation {

/// As `simulate`. Events and, while a time is awaited, each second count as steps. The trace has an account;
/// where the job did not fail, nothing is under way at the end: no message and no wake-up.
expected<trace> simulate_on_actors(const scenario& what, const simulation_limits& limits = {});

/// Another order than the usual one.
struct actor_order {
  /// Is asked before every event, also where one alone may be next. A wake-up may be next while no answer is
  /// due to a record whose timeout is due as well, and comes before a barrier.
  event_chooser choose;
  /// Chance, drawn from this seed, says which actor runs next.
  std::uint64_t seed = 0;
};

expected<trace> simulate_on_actors(const scenario& what, const actor_order& order,
                                   const simulation_limits& limits = {});

} // namespace weir::simulation
