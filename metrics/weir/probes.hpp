// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What each kind of actor counts about itself: one shard an instance, written by that actor alone
/// with relaxed stores, read by anybody at any time (the progress line, a summary, an exporter).
/// Shared ownership: a shard outlives its actor for as long as somebody reads it.

#include "weir/histogram.hpp"
#include "weir/named_counters.hpp"

namespace weir {

/// One source instance.
struct source_probe {
  counter records_out;
  /// Records and dead letters that have come to batches for receivers: behind the steps of the edges,
  /// and once for each edge.
  counter sent;
  /// Records that could not be read and were left out or sent to the dead letters.
  counter skipped;
  counter dead_letters;
  /// How far it has read, and of how much (0 = unknown), in the source's own unit.
  counter read;
  counter total;
};

/// One async wait operator instance.
struct operator_probe {
  counter records_in;
  /// Records that have left it, in whatever way.
  counter records_finished;
  /// Results emitted.
  counter records_out;
  /// As `source_probe::sent`.
  counter sent;
  /// Calls of the user's function, retries included.
  counter calls;
  counter retries;
  /// Records whose timeout passed before they were finished.
  counter timeouts;
  /// Records whose final failure met `on_failure`, by what it did with them.
  counter dropped;
  counter dead_letters;
  /// Completions of calls that were complete already, and of attempts that were over.
  counter late_completions;
  /// Calls of the function that held the operator's thread for too long.
  counter blocking_calls;
  /// Entries in the queue, and calls that run.
  counter queued;
  counter in_flight;
  /// From the start of a call to its completion.
  histogram call_duration;
  /// Those of the user's function.
  named_counters own;
};

/// One sink instance.
struct sink_probe {
  counter records_in;
};

/// One client pool.
struct pool_probe {
  counter calls;
  counter errors;
  /// Questions that the pool holds, waiting or running.
  counter held;
};

} // namespace weir
