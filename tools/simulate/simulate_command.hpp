// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The command `weir simulate`: runs the scenarios of files in virtual time and prints their traces,
/// draws them, compares them with recorded ones, or runs them in many orders of what falls together. Writes
/// to standard output and standard error.

#include "exit_code.hpp"
#include "exploration.hpp"

#include "weir/machine_simulation.hpp"

#include <functional>
#include <string>
#include <vector>

namespace weir::tool {

/// The options of `weir simulate`.
struct simulate_arguments {
  std::vector<std::string> files;
  /// A file of recorded traces; empty: nothing is compared.
  std::string traces;
  /// Draws in place of printing traces.
  bool timeline = false;
  /// Runs one scenario, for printing and comparing. Drawing looks into the machine itself.
  std::function<expected<simulation::trace>(const simulation::scenario&)> run
    = [](const simulation::scenario& what) { return simulation::simulate(what); };
  /// Runs each under every seed's order of simultaneous events in place of printing traces.
  bool explore = false;
  seed_range seeds;
  /// Set: exploring runs the operator's actor.
  actor_runner explored_actor;
};

/// Returns the exit code.
int simulate_command(const simulate_arguments& arguments);

} // namespace weir::tool
