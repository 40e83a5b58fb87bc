// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the command does while a job runs: shows progress, says what the job has to say, and passes signals
/// on. The first one lets what was read come out, with checkpoints it makes a last one; the second cancels. Used
/// by one thread.

#include "command_output.hpp"
#include "job_file.hpp"
#include "log_queue.hpp"
#include "stop_signals.hpp"

#include "weir/environment.hpp"

namespace weir::tool {

/// Waits for the job's end. `log`: what the job says.
job_result wait_for_end(job& running, const job_file& what, log_queue& log, stop_signals& signals,
                        command_output& output, bool shows_progress);

} // namespace weir::tool
