// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job writes to, made ready before it starts. Without checkpoints what earlier runs have left is
/// removed last, when nothing can refuse this run any more; with checkpoints the job's sinks do that, by
/// what it goes on from. A run that is refused leaves everything as it was, but for the file that dead letters
/// are locked by. Used by one thread.

#include "job_file.hpp"

#include "weir/dead_letter_file.hpp"
#include "weir/dead_letter_part_sink.hpp"
#include "weir/error.hpp"
#include "weir/output_folder.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir::tool {

/// What a job writes to. To be kept until the job has ended.
struct job_outputs {
  /// Of the sink's folder; without meaning where the sink is standard output.
  output_folder_state folder;
  /// Without checkpoints, by path; stages may share one. Given up before the folder, which they may lie in.
  std::map<std::string, std::shared_ptr<dead_letter_file>> dead_letters;
  /// With checkpoints, by path: the path that is written to. Two names of one place have one.
  std::map<std::string, std::string> dead_letter_paths;
  std::vector<dead_letter_lock> dead_letter_locks;
};

/// Takes the output folder and the dead-letter files. Without checkpoints the folder is cleared and the files are
/// emptied or created; `force`: see `clear_output_folder`. With checkpoints nothing that an earlier run has
/// left is touched, but a run is refused whose sinks might remove what it needs; a folder that was made for
/// it goes again unless `folder.lock.keep_folder()` is called.
expected<job_outputs> open_outputs(const job_file& job, bool force);

/// Paths for dead letters that the job names, each once.
std::vector<std::string> paths_of_dead_letters(const job_file& job);

} // namespace weir::tool
