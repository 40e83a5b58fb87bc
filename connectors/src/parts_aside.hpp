// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a start puts parts that it must not go on behind: into a folder `discarded-<checkpoint>` among them.
/// tests/connectors/part_series_test.cpp.

#include "part_folder.hpp"

#include "weir/error.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace weir::detail {

/// Moves what has these names (at least one) into a folder that holds none of them. The folder's path. Errors:
/// `io`.
expected<std::string> move_aside(const part_folder& in, const std::vector<std::string>& names,
                                 std::uint64_t checkpoint);

/// Has what was moved written to the disk. Also by a process that died, which left no names to be found among the
/// parts. Errors: `io`.
expected<void> sync_aside(const part_folder& in, std::uint64_t checkpoint);

} // namespace weir::detail
