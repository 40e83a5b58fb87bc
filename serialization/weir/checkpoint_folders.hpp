// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Looks at the checkpoints of a directory_store from outside: what there is, and whether its bytes
/// are sound. Takes no lock and changes nothing, so it may be done while a job writes; what that job
/// takes away meanwhile is simply gone. Calls block; any thread.
/// tests/serialization/checkpoint_folders_test.cpp.

#include "weir/error.hpp"
#include "weir/file_system.hpp"
#include "weir/manifest.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// The folder of one checkpoint.
struct checkpoint_folder {
  std::string path;
  std::uint64_t checkpoint = 0;
};

struct found_checkpoints {
  /// By jobs, runs and checkpoints, ascending.
  std::vector<checkpoint_folder> all{};
  /// Why folders of checkpoints could not be looked into: what is in them is not in `all`.
  std::vector<error> not_read{};
  /// The same of entries beside the jobs that this user has no right to look into. They need not be
  /// jobs: a disk's `lost+found` is none.
  std::vector<error> passed_over{};
};

/// All under `path`, which is a store's directory, the folder of a job or of a run in it, or that of
/// one checkpoint. Errors: `io`, where nothing was found; `argument` where it is no such folder.
expected<found_checkpoints> find_checkpoint_folders(const std::string& path,
                                                    const std::shared_ptr<file_system>& on
                                                    = posix_files());

/// What the checkpoint says of itself; nothing where its folder is not there any more. Errors: `io`,
/// `damaged`, `incompatible`.
expected<std::optional<manifest>> read_checkpoint_manifest(const checkpoint_folder& of,
                                                           const std::shared_ptr<file_system>& on
                                                           = posix_files());

/// Reads every byte of the checkpoint, holds it against its checksums, and refuses what a start that
/// goes on from it refuses: one that lies in the folder of another run or job is `damaged`. Else as
/// `read_checkpoint_manifest`, with file, block and byte of a damage. Holds no state in memory.
expected<std::optional<manifest>> verify_checkpoint(const checkpoint_folder& of,
                                                    const std::shared_ptr<file_system>& on
                                                    = posix_files());

/// Bytes of a checkpoint's state files.
std::uint64_t state_bytes_of(const manifest& of);

} // namespace weir
