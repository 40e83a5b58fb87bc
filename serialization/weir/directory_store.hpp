// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checkpoints in a folder:
///
///   DIRECTORY/JOB/LOCK
///   DIRECTORY/JOB/run-0000000001/chk-0000000017/MANIFEST
///   DIRECTORY/JOB/run-0000000001/chk-0000000017/STAGE.state
///
/// JOB and STAGE are the names with what a file's name cannot hold as %XX. What is being written or
/// taken away bears a name with `.tmp` at its end, what was set aside one with `.corrupt`. A
/// checkpoint is written under such a name, file by file, each synced, and gets its own name by a
/// rename; so its folder is there whole or not at all, whenever process or machine stop. A write that
/// fails takes its own `.tmp` away again.
/// tests/serialization/directory_store_test.cpp.

#include "weir/block_file.hpp"
#include "weir/checkpoint_store.hpp"
#include "weir/file_system.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace weir {

/// `directory` is made where it is missing, in a parent that is there. `on`: whose files.
/// `state_bytes_max`: a checkpoint in which a stage's file would have more bytes is not written
/// (kind `argument`), since what is larger than `file_bytes_max` is not read.
std::shared_ptr<checkpoint_store> directory_store(std::string directory,
                                                  std::shared_ptr<file_system> on = posix_files(),
                                                  std::uint64_t state_bytes_max = file_bytes_max);

/// A name as a folder's or a file's: letters, digits, `_`, `-` and (not at its beginning) `.` stand
/// for themselves.
std::string file_name_of(std::string_view name);

} // namespace weir
