// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The command `weir run`: reads a job file, runs its job to its end, and says what came of it. Writes
/// to standard output and standard error; takes SIGINT and SIGTERM while the job runs.

#include "exit_code.hpp"
#include "stop_signals.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool {

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
  bool fresh = false;
  // Only with checkpoints.
  std::vector<std::string> drop_state;
  std::optional<std::uint64_t> from;
  bool discard_newer_output = false;
};

/// Returns the exit code.
int run_command(const run_arguments& arguments, stop_signals& signals);

} // namespace weir::tool
