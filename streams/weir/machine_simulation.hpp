// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs a scenario on the operator itself, without actors, in virtual time: nothing is waited for, and
/// equal scenarios give equal traces. Events that share a millisecond are handled in the order that
/// docs/scenarios.md gives, or in another that a chooser makes. Pure functions; any thread.
/// tests/streams/machine_simulation_test.cpp.

#include "weir/error.hpp"
#include "weir/event_chooser.hpp"
#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weir::simulation {

/// What one run may come to at most; more is an error, so that none takes all memory.
struct simulation_limits {
  /// Calls, results, copies that snapshots make, entries looked at for the log, and events that a chooser is
  /// asked about, with the entries looked at to find them, together.
  std::size_t steps = 1'000'000;
  /// The last millisecond of virtual time.
  millis end = 4'000'000'000'000;
};

/// What happens to an element while a scenario runs.
enum class happening_kind : std::uint8_t {
  /// It reaches the operator.
  arrives,
  // States; each lasts until the next happening of the element.
  waits_for_room,
  waits_for_key,
  waits_for_call,
  backs_off,
  /// Finished, but it is not its turn yet.
  held,
  /// Attempt `attempt` begins; the call runs until the next happening.
  called,
  // What ends an attempt, or a record's time.
  answered,
  call_fails,
  times_out,
  /// A completion that changes nothing: a second one, one of an earlier attempt, or one that comes
  /// too late. It may come when the record has left.
  ignored,
  // Ends.
  leaves,
  leaves_without_results,
  leaves_as_dead_letter,
  is_dropped,
  fails_job,
  /// A restore takes it away.
  is_lost,
  /// A restore brings it back.
  is_restored,
};

struct happening {
  millis at = 0;
  /// Its place in the scenario's `input`.
  std::size_t element = 0;
  happening_kind what = happening_kind::arrives;
  /// Of `called`: which one it is. Of `leaves_as_dead_letter`: how many there were.
  std::uint32_t attempt = 0;
  /// Of `leaves`: what has left for a record.
  std::vector<std::int64_t> results{};
  /// The name of the error, of `leaves_as_dead_letter` and `fails_job`.
  std::string error{};
  friend bool operator==(const happening&, const happening&) = default;
};

struct simulation_options {
  /// Gets what happens to each element, in order. Null: nothing is written down.
  std::vector<happening>* log = nullptr;
  simulation_limits limits{};
  /// Orders what falls into one millisecond. Absent: the order of docs/scenarios.md.
  event_chooser choose{};
};

/// What the operator does. The scenario keeps the rules of its language. An error of the kind `argument` where
/// its settings are none that an operator takes, or where the run passes its limits.
expected<trace> simulate(const scenario& what, const simulation_options& options = {});

} // namespace weir::simulation
