// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an environment's job starts with, in real time and in virtual time: how it begins, or why it does not.
/// Blocks where the job makes checkpoints; the thread that starts the job.

#include "weir/environment.hpp"
#include "weir/job_keeper.hpp"
#include "weir/run_id.hpp"

#include <optional>
#include <string>
#include <vector>

namespace weir {

struct prepared_start {
  /// Present where there is nothing to run: it cannot start, or was finished before.
  std::optional<job_result> ended{};
  job_start how{};
  /// What is left to fill in is a matter of who runs it.
  keeper_settings settings{};
};

/// The environment's plan is `plan`, which bears the job's name. `fresh_run`: see `prepare_launch`.
prepared_start prepare_start(const job_plan& plan, const environment_options& environment,
                             const run_options& options, const run_id& fresh_run);

/// Of a job that does not run, since it is refused or was finished before.
job_status status_of(const job_start& how);

/// A job that has failed before it ran.
job_result not_started(std::vector<error> why);

} // namespace weir
