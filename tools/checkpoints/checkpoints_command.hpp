// SPDX-License-Identifier: Apache-2.0
#pragma once

/// `weir checkpoints`: what there is in a folder of checkpoints, what is in one of them, and whether its
/// bytes are sound. Only reads; a job may write there meanwhile. One thread.

#include <cstdint>
#include <optional>
#include <string>

namespace weir::tool {

struct checkpoints_arguments {
  /// The directory of `[checkpoints]`, or a folder in it.
  std::string path;
  /// Of `show`; absent: the newest.
  std::optional<std::uint64_t> id;
  /// Of `show`.
  bool json = false;
};

/// Each gives the process's exit code.
int list_checkpoints(const checkpoints_arguments& arguments);
int show_checkpoint(const checkpoints_arguments& arguments);
int verify_checkpoints(const checkpoints_arguments& arguments);

} // namespace weir::tool
