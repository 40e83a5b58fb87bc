// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a start of a job with checkpoints wishes, and what came of it. Plain values; any thread.

#include "weir/job_status.hpp"
#include "weir/start_kind.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct launch_wishes {
  /// A run of its own from the begin of the input, whatever there is. Earlier runs' checkpoints go once the
  /// new run's first is durable.
  bool fresh = false;
  /// Where a run begins: sinks remove what earlier runs have left visible. Else that is an error.
  bool remove_old_output = false;
  /// Operators whose state in the checkpoint is let go, and sinks that are no longer in the job, by their names; see
  /// `compare_jobs`.
  std::vector<std::string> drop_state{};
  /// The checkpoint of the newest run to go on from; those that are newer go. Absent: the newest. Where output
  /// that is newer is visible it is an error, but with `discard_newer_output`.
  std::optional<std::uint64_t> from{};
  /// Sinks put visible output aside that is newer than the checkpoint. Only with `from`, or with
  /// `checkpoint_options::fall_back`.
  bool discard_newer_output = false;
};

/// How a job has begun. Of one that was not started, since it has mistakes or may not go on from what there is,
/// this is as made here: `fresh`, with the run number 0.
struct job_start {
  start_kind kind = start_kind::fresh;
  /// Of the run; 0 without checkpoints, and with them where the job was not started.
  std::uint64_t run_number = 0;
  /// With `restored` and `finished`.
  std::optional<std::uint64_t> checkpoint{};
  /// When that was made: milliseconds since 1970-01-01T00:00:00Z.
  std::int64_t made_at_ms = 0;
  /// Records that it holds.
  std::uint64_t held = 0;
  /// What the run had counted by then, which it counts on from; without what hangs on the moment (calls in
  /// flight, how far a source has read, pools).
  job_status before{};
  /// How the job differs from that of the checkpoint, and which damaged checkpoints were put aside: lines for a person.
  /// What sinks do with older output (removed, moved aside) comes later, and only to `environment_options::log`.
  std::vector<std::string> warnings{};
  std::vector<std::string> notes{};
};

} // namespace weir
