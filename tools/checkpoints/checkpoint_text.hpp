// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Checkpoints as text, for people and for programs. Keys and values of records are never shown. Pure
/// functions; any thread.

#include "weir/manifest.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace weir::tool {

/// One that was found.
struct listed_checkpoint {
  manifest about;
  /// Of all its files but the manifest.
  std::uint64_t bytes = 0;
};

/// A table, one line for each. `now_ms`: milliseconds since 1970.
std::string list_text(const std::vector<listed_checkpoint>& all, std::int64_t now_ms);

/// Several lines.
std::string show_text(const listed_checkpoint& of, std::int64_t now_ms);

/// The same as one JSON object and a line end.
std::string show_json(const listed_checkpoint& of);

/// `begun`, `running`, `stopped`, `drained` or `finished`.
std::string name_of(checkpoint_kind kind);

} // namespace weir::tool
