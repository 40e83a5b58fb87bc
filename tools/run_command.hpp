// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The command `weir run`: reads a job file, runs its job to its end, and says what came of it. Writes
/// to standard output and standard error; takes SIGINT and SIGTERM while the job runs.

#include "stop_signals.hpp"

#include <string>
#include <vector>

namespace weir::tool {

/// What the command's process ends with.
namespace exit_code {
inline constexpr int done = 0;
inline constexpr int job_failed = 1;
/// Also a bad job file.
inline constexpr int bad_usage = 2;
inline constexpr int stopped_early = 3;
} // namespace exit_code

/// The options of `weir run`.
struct run_arguments {
  std::string job_file;
  /// Each `KEY=VALUE`.
  std::vector<std::string> overrides;
  bool validate = false;
  bool json = false;
  bool quiet = false;
  bool force = false;
  bool keep_partial = false;
};

/// Returns the exit code.
int run_command(const run_arguments& arguments, stop_signals& signals);

} // namespace weir::tool
