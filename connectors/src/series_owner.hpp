// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The note in a series' folder that says of which run with checkpoints the series is. A run that goes on must
/// find what it has left: whoever has begun there since has noted it, or has taken the note away.
/// tests/connectors/part_series_test.cpp.

#include "part_folder.hpp"
#include "part_names.hpp"

#include "weir/error.hpp"
#include "weir/file_system.hpp"

#include <memory>
#include <string>

namespace weir::detail {

/// Whether the series is still that of the run with this mark, which has left output there. Errors:
/// `incompatible` where another run has begun there since or nothing says whose it is, `io`.
expected<void> check_owner(const part_folder& in, const part_names& names, const std::string& mark);

/// Also `incompatible` where there is no folder at `path` any more.
expected<void> check_owner(const std::shared_ptr<file_system>& on, const std::string& path,
                           const part_names& names, const std::string& mark);

/// Notes it, on the disk. Where the mark is empty, nothing is noted. Any number of threads. Errors: `io`.
expected<void> note_owner(const part_folder& in, const part_names& names, const std::string& mark);

} // namespace weir::detail
