// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job writes to, made ready before it starts. What earlier runs have left is removed last,
/// when nothing can refuse this run any more; a run that is refused leaves everything as it was.
/// Used by one thread.

#include "job_file.hpp"

#include "weir/dead_letter_file.hpp"
#include "weir/error.hpp"
#include "weir/output_folder.hpp"

#include <map>
#include <memory>
#include <string>

namespace weir::tool {

/// What a job writes to. To be kept until the job has ended.
struct job_outputs {
  /// Of the sink's folder; without meaning where the sink is standard output.
  output_folder_state folder;
  /// By path; stages may share one. Given up before the folder, which they may lie in.
  std::map<std::string, std::shared_ptr<dead_letter_file>> dead_letters;
};

/// Makes the output folder ready and empties the dead-letter files, or creates them. `force`: see
/// `clear_output_folder`.
expected<job_outputs> open_outputs(const job_file& job, bool force);

} // namespace weir::tool
