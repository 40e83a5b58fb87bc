// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Keeps a job running: starts it, and where it fails starts it again, as the plan's restart strategy says.
/// Each start is a launch with a runner of its own, so that a restart finds the job as a new process would:
/// with checkpoints it goes on from the newest, whichever launch made it. All launches are of one run, unless
/// there are no checkpoints and a source cannot give its records again: then each is a run of its own.
/// Between two launches the keeper works on a queue of its own: a launch that has failed is taken down, and
/// the next begun, on no thread of a stage. Made, started and destroyed by one thread; `status`, `drain`,
/// `stop` and `cancel` from any. Destroy it only after `on_end` was called, or if `start` failed.
/// tests/actors/job_keeper_test.cpp.

#include "weir/job_runner.hpp"
#include "weir/work_thread.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace weir {

struct keeper_settings : run_settings {
  /// Where it works between launches, and where the store of checkpoints is used. Required where the plan has a
  /// restart strategy or there are checkpoints (whose own `on` is this then), else not used.
  std::unique_ptr<work_queue> on{};
  /// With checkpoints and a restart strategy: finds what a further launch goes on from; null: the run's begin,
  /// where it has no checkpoint yet; of the kind `finished`: the run is, though a launch failed before it
  /// heard of that. Called on the queue, behind all that the launch before has left there. An error is a
  /// failure of that launch.
  std::function<expected<std::shared_ptr<launch_state>>()> newest{};
};

class job_keeper {
public:
  /// `system` knows weir's message types (`caf::id_block::weir`) and outlives the keeper.
  job_keeper(caf::actor_system& system, const job_plan& plan, keeper_settings settings);
  ~job_keeper();

  /// Begins the first launch. Empty: the job runs and will call `on_end` once, when it has ended for good,
  /// from one of the system's threads or the queue's. Else what is wrong; nothing was started, and nothing
  /// is tried again: a first start that fails says so. So does one whose stages do not open.
  std::vector<error> start(std::function<void(job_result)> on_end);

  /// In virtual time: see `future_waiter::look`. Between `start` and the end of the keeper.
  bool look_at_futures(time_point now, bool give_up);

  /// Of the launch that runs; between two launches of the one before.
  job_status status() const;

  /// Of the launch that runs. One that fails while it is drained is not started again. Between two launches
  /// the job ends at once: the failure stands.
  void drain(duration deadline);

  /// Of the launch that runs: see `job_runner::stop`. Between two launches the job ends at once, stopped where
  /// it was; without checkpoints as by `drain`.
  void stop();

  /// Between two launches the job ends at once.
  void cancel();

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace weir
