// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The lines of a sink's state in which a checkpoint says what is pending: parts whose visible names may not
/// be on the disk yet. Plain functions; any thread. tests/connectors/part_series_test.cpp.

#include "part_folder.hpp"
#include "part_names.hpp"

#include "weir/error.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace weir::detail {

struct pending_part {
  std::uint64_t bytes = 0;
  bool was_visible = false;
};

/// Appends a line to the state that a sink gives with a checkpoint: a part's name, its size, and whether it is
/// visible.
void append_pending_part(std::string& state, std::string_view name, std::uint64_t bytes,
                         bool is_visible);

/// Adds what a state with this checkpoint says, by visible names. Errors: `damaged`.
expected<void> read_pending_parts(std::string_view state, const part_folder& in,
                                  const part_names& names, std::uint64_t checkpoint,
                                  std::map<std::string, pending_part>& into);

} // namespace weir::detail
