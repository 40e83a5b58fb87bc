// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which files a job uses, and where its dead letters and checkpoints must not go: what is emptied or
/// removed when a job starts must not be what it needs. Looks at files and changes none; any thread.

#include "job_file.hpp"

#include "weir/output_folder.hpp"

#include <string>
#include <vector>

namespace weir::tool {

/// Files that a job uses and that must stay as they are: its own file, its input, the databases of
/// its pools, and what is standard output where records go there.
std::vector<file_in_use> files_in_use(const job_file& job);

/// The rule that `path` breaks as a file for dead letters; empty where it breaks none.
std::string dead_letter_fault(const job_file& job, const std::string& path);

/// The rule that the folder of the job's checkpoints, which it has, breaks; empty where it breaks none.
std::string checkpoint_directory_fault(const job_file& job);

} // namespace weir::tool
