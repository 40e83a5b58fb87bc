// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the parts of a series are called. Plain values, any thread. output_folder.hpp says it for the parts
/// of results.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::detail {

/// `<stem>-<checkpoint, 10 digits>[-<stage>]-<instance, 4 digits>.ndjson`, with a dot in front while it
/// is hidden. Names in order are in the order of their checkpoints.
struct part_names {
  std::string stem = "part";
  /// As a file's name can hold it; empty in a series that only one stage writes.
  std::string stage{};

  std::string visible(std::uint64_t checkpoint, std::uint32_t instance) const;

  /// The checkpoint in a part's visible name; nothing in other names.
  std::optional<std::uint64_t> checkpoint_of(std::string_view name) const;

  /// Also in those of the other stages with this stem.
  std::optional<std::uint64_t> checkpoint_of_any_stage(std::string_view name) const;
};

/// What instances' numbers must be below.
inline constexpr std::uint32_t part_instances_max = 10'000;

/// How many there are, for messages: `1 part file`, `2 part files`. `one` takes an s.
std::string counted(std::size_t n, std::string_view one);

/// The path of what is called `name` in a folder.
std::string path_in(const std::string& folder, std::string_view name);

/// The same for all spellings of a path, from wherever it is relative to: absolute, without `.`, `..` and
/// slashes that say nothing. Links are as they are.
std::string plain_path(const std::string& path);

} // namespace weir::detail
