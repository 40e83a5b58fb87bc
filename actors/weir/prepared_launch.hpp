// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job with checkpoints starts from: claims its store, chooses the checkpoint, sees whether the job may
/// go on from it, and deals what it holds to the job's instances. Nothing of the job runs meanwhile, and
/// where it is refused nothing has changed. Blocks; the thread that starts the job.
/// tests/actors/prepared_launch_test.cpp.

#include "weir/job_plan.hpp"
#include "weir/job_start.hpp"
#include "weir/launch_checkpoints.hpp"
#include "weir/log.hpp"
#include "weir/run_id.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace weir {

struct prepared_launch {
  job_start how{};
  /// With `start_kind::finished` without meaning: there is nothing to launch.
  launch_checkpoints with{};
  /// What further launches of the run go on from: see `keeper_settings`. Shares the store.
  std::function<expected<std::shared_ptr<launch_state>>()> newest{};
};

/// With `refusals` there is nothing to launch.
struct launch_preparation {
  std::vector<error> refusals{};
  std::shared_ptr<prepared_launch> made{};
};

/// `plan`: with checkpoint options, and without mistakes. `fresh_run`: the id that a new run gets.
///
/// Refusals: `argument` where the wishes are not those of this job or its store, where stages share a place or
/// types cannot be told apart; `incompatible` where the job has changed too much, or output is in the way; those
/// of the store.
launch_preparation prepare_launch(const job_plan& plan, const launch_wishes& wishes,
                                  const run_id& fresh_run);

/// Deals a checkpoint to the instances of a job that may go on from it; of one that says that the run is finished
/// there is nothing to deal. Errors are those of `rescale`.
expected<std::shared_ptr<launch_state>> state_for(const job_plan& plan, checkpoint from,
                                                  const std::vector<std::string>& drop_state = {});

} // namespace weir
