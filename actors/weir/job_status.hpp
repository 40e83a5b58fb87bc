// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What can be seen of a job while it runs and after it has ended: plain numbers, added up over the
/// instances of each stage. Reading costs the running job nothing; any thread.

#include "weir/error.hpp"
#include "weir/gone_counts.hpp"
#include "weir/histogram.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct source_status {
  std::string name;
  std::uint64_t records_out = 0;
  /// Records that could not be read: left out, and sent to the dead letters.
  std::uint64_t skipped = 0;
  std::uint64_t dead_letters = 0;
  /// How far it has read, in a unit of its own, and of how much where that is known.
  std::uint64_t read = 0;
  std::optional<std::uint64_t> total;
};

struct operator_status {
  std::string name;
  std::uint64_t records_in = 0;
  /// Records that have left it, with results, without, as dead letters or dropped.
  std::uint64_t records_finished = 0;
  /// Results.
  std::uint64_t records_out = 0;
  std::uint64_t calls = 0;
  std::uint64_t retries = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t late_completions = 0;
  /// Calls of the function that held the operator's thread for `blocking_warning` or longer.
  std::uint64_t blocking_calls = 0;
  std::uint64_t queued = 0;
  std::uint64_t in_flight = 0;
  /// Of a service: records that were pushed and that it has not taken in.
  std::uint64_t waiting = 0;
  histogram::snapshot call_duration;
  /// What its function counts itself (`function_context::counter`), by name.
  std::map<std::string, std::uint64_t> own_counters;
};

struct sink_status {
  std::string name;
  std::uint64_t records_in = 0;
};

struct pool_status {
  std::string name;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
  std::uint64_t held = 0;
};

struct waiting_pool_status {
  std::string name;
  /// Futures that it waits for.
  std::uint64_t waiting = 0;
  /// Futures that were given up, since the timeouts of their records have passed, and are not yet ready. Many
  /// of them say that a client forgets its promises.
  std::uint64_t given_up = 0;
};

/// The checkpoints of a job. The one in front of its first record and the one that says that it is
/// finished are not counted.
struct checkpoint_status {
  std::uint64_t completed = 0;
  /// Those that failed: instances did not answer in time; one could not save its state; it could not be
  /// stored.
  std::uint64_t timed_out = 0;
  std::uint64_t refused = 0;
  std::uint64_t not_stored = 0;
  /// The newest complete one, also where this launch goes on from it; absent: there is none yet.
  std::optional<std::uint64_t> last{};
  /// From its begin until it was durable, and what it takes in the store; 0 before this launch has made one.
  duration last_took{};
  std::uint64_t last_bytes = 0;
  /// When it was made: milliseconds since 1970-01-01T00:00:00Z.
  std::int64_t last_made_at_ms = 0;
  /// Records that it holds: read, and not yet in the output.
  std::uint64_t held = 0;
  /// What this launch has gone on from.
  std::optional<std::uint64_t> restored_from{};

  std::uint64_t failed() const noexcept { return timed_out + refused + not_stored; }
};

/// Once a job with checkpoints was stopped or drained, counts are those of its last checkpoint.
struct job_status {
  /// How often the job has started again inside the process (`environment::restart_with`), or waits to do so.
  /// The numbers below are of the launch that runs, or was the last.
  std::uint64_t restarts = 0;
  std::vector<source_status> sources;
  std::vector<operator_status> operators;
  std::vector<sink_status> sinks;
  std::vector<pool_status> pools;
  std::vector<waiting_pool_status> waiting_pools;
  /// Records of the run that none of the above counts any more, over all starts that went on from a checkpoint: what
  /// was let go with an operator's state (`run_options::drop_state`), and what had been dropped or had gone as dead
  /// letters in operators that are no longer in the job. All 0 without checkpoints.
  gone_counts gone{};
  /// Absent: the job makes none.
  std::optional<checkpoint_status> checkpoints{};
};

/// How a job ended.
enum class job_end : std::uint8_t {
  /// All input was read and all output is complete.
  done,
  /// It failed; `why` says at what.
  failed,
  /// It was drained: it stopped reading early, and what had been read is in the output, but for
  /// `left_behind` records for which the time did not suffice, or with checkpoints those that are held in
  /// its last one.
  drained,
  /// It was cancelled.
  cancelled,
  /// It was stopped with a last checkpoint, from which a start goes on.
  stopped,
};

struct job_result {
  job_end end = job_end::done;
  /// With `failed`: the first error, or all mistakes of a plan that was not started; that of an operator
  /// begins with its name. With `stopped` and `drained`: why there is no last checkpoint, where it failed.
  std::vector<error> why;
  /// With `failed`: the name of the stage that failed, where it was one: operator, source or sink.
  std::string stage;
  /// With `failed`: the record at which it failed, where it was one.
  std::string record;
  /// With `drained`: records that were read and did not come out.
  std::uint64_t left_behind = 0;
  /// The newest complete checkpoint, which a start goes on from; absent: there is none.
  std::optional<std::uint64_t> checkpoint{};
  /// Records that it holds.
  std::uint64_t held = 0;
  /// How often it has started again inside the process.
  std::uint64_t restarts = 0;
  /// From the start of the stages to their end, over all restarts.
  duration took{};

  bool ok() const noexcept { return end == job_end::done; }

  /// What there is to say about the end, for a person: a line for each error, with the record's name
  /// where one failed.
  std::string text() const;
};

} // namespace weir
