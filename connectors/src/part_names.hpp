// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the parts of a series are called. Plain values, any thread. output_folder.hpp says it for the parts
/// of results.

#include "weir/run_id.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::detail {

/// `<stem>-<checkpoint, 10 digits>[-<stage>]-<instance, 4 digits>.ndjson`. Names in order are in the order of
/// their checkpoints. While it is hidden there is a dot in front of it, and, where its run makes checkpoints,
/// behind it another one and the run's mark: what one run is still to show is not another's to show or remove.
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

/// The first half of the run's id, as 16 hexadecimal digits.
std::string mark_of(const run_id& run);

/// `mark` is empty where the run makes no checkpoints.
std::string hidden_name(std::string_view visible, std::string_view mark);

/// The file in a series' folder that has in it the mark of the run whose output the series is.
std::string owner_name(const part_names& of);

struct hidden_part_name {
  std::string_view visible;
  /// Empty where there is none.
  std::string_view mark;
};

/// Nothing for what no hidden part of any series is called.
std::optional<hidden_part_name> as_hidden(std::string_view name);

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
