// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs one job plan in a CAF actor system: opens the drivers, spawns the actors, supervises them and
/// gives one result: one launch of a job, which job_keeper.hpp may repeat. Knows nothing of who waits for
/// it. Made, started and destroyed by one thread; `status`, `drain`, `stop` and `cancel` from any. Destroy
/// it only after `on_end` was called, or if `start` failed.

#include "weir/fd_watcher.hpp"
#include "weir/job_plan.hpp"
#include "weir/job_status.hpp"
#include "weir/launch_checkpoints.hpp"
#include "weir/log.hpp"
#include "weir/run_id.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace caf {
class actor_system;
}

namespace weir {

struct run_settings {
  /// When the job fails or is cancelled: sinks keep the whole records that they have written. Not where
  /// `keep_partial_mistakes` has any.
  bool keep_partial = false;
  /// Decides what jitter takes off; drawn by whoever starts the job.
  std::uint64_t seed = 0;
  /// Of which run this is a launch, as functions and idempotency keys have it; drawn by whoever starts the run.
  /// With checkpoints it is not used: theirs is.
  run_id run{};
  /// How sources and sinks wait for descriptors; outlives the runner. Null: on a thread of the runner's.
  fd_waiter wait_for_fd{};
  /// What ingestion time is read from. Null: the system's clock.
  weir::wall_clock wall_clock{};
  /// Waiting pools have no threads: whoever moves the clock calls `look_at_futures`.
  bool in_virtual_time = false;
  /// Told what somebody should know; may be null.
  log_function log{};
  /// Absent: the job makes no checkpoints.
  std::optional<launch_checkpoints> checkpoints{};
};

/// Why a job of this plan cannot keep partial output.
std::vector<error> keep_partial_mistakes(const job_plan& plan, bool makes_checkpoints);

class job_runner {
public:
  /// `system` knows weir's message types (`caf::id_block::weir`) and outlives the runner.
  job_runner(caf::actor_system& system, const job_plan& plan, run_settings settings);
  ~job_runner();

  /// Opens the drivers, which may block for a moment, and starts the stages. Empty: the job runs and
  /// will call `on_end` once, from one of the system's threads. Else what is wrong; nothing was started.
  std::vector<error> start(std::function<void(job_result)> on_end);

  /// In virtual time: see `future_waiter::look`. Between `start` and the end of the runner.
  bool look_at_futures(time_point now, bool give_up);

  job_status status() const;
  void drain(duration deadline);
  /// Makes a last checkpoint and ends, as `stopped`. Without checkpoints: as `drain` without time.
  void stop();
  void cancel();

  /// Whether all stages have opened, so that records were read. Any thread.
  bool has_run() const noexcept;

  /// Whether all its sources can give their records again, from the same origins. After `start`.
  bool can_replay() const noexcept;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace weir
