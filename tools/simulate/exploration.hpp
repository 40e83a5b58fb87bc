// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs a scenario under many orders of what falls into one millisecond, and holds each run against the
/// promises of docs/semantics.md and against the reference model, which is driven by the same choices. The
/// same seed makes the same order on every machine. Plain functions and values; any thread.
/// tests/tools/exploration_test.cpp.

#include "weir/error.hpp"
#include "weir/event_chooser.hpp"
#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool {

// -- seeds --

/// From the first to the last, both included.
struct seed_range {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
};

/// Reads `1000` (from 1 on) or `17..40`. The message of the error is a rule: `must be ...`.
expected<seed_range> parse_seeds(std::string_view text);

// -- orders --

/// Where several events might have been next.
struct event_choice {
  std::vector<simulation::event_description> due;
  /// Which of them was.
  std::size_t chosen = 0;
};

/// What an exploration runs. By itself the operator's machine; a test may put something that breaks in its
/// place.
using scenario_runner = std::function<expected<simulation::trace>(
  const simulation::scenario& what, const simulation::event_chooser& choose)>;

expected<simulation::trace> run_on_machine(const simulation::scenario& what,
                                           const simulation::event_chooser& choose);

/// What is wrong with a run in which these choices were made, in order, as whole lines; empty: nothing.
std::string mistakes_of(const simulation::scenario& what, const simulation::trace& came,
                        const std::vector<event_choice>& order);

/// A run that is wrong.
struct found_violation {
  std::uint64_t seed = 0;
  /// Whole lines.
  std::string what;
  std::vector<event_choice> order;
};

struct exploration {
  /// Runs: as many as seeds, up to the first that is wrong; one where no events fall together.
  std::uint64_t runs = 0;
  /// Different orders and traces among them. Told apart by 64 bits.
  std::size_t orders = 0;
  std::size_t traces = 0;
  /// Whether events fall together, or chance decides something else too.
  bool has_choices = false;
  bool on_actors = false;
  std::optional<found_violation> found;
};

/// An error where the scenario cannot be run.
expected<exploration> explore(const simulation::scenario& what, const seed_range& seeds,
                              const scenario_runner& run = run_on_machine);

/// Runs the operator's actor, whose messages chance orders by the seed.
using actor_runner = std::function<expected<simulation::trace>(
  const simulation::scenario& what, const simulation::event_chooser& choose, std::uint64_t seed)>;

/// As `explore`; the runner asks also where one event alone may be next.
expected<exploration> explore_actors(const simulation::scenario& what, const seed_range& seeds,
                                     const actor_runner& run);

/// Lines for people. `file` is the scenario's, for the command that repeats what was found.
std::string exploration_text(const simulation::scenario& of, const exploration& what,
                             const std::string& file);

} // namespace weir::tool
