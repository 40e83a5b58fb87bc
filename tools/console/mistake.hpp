// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What is wrong with a file that a person wrote, in words that lead to it. Plain values; any thread.

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool {

/// Something that is wrong with a job file, a scenario or a trace.
struct mistake {
  /// File and line, or the `--set` that brought it in.
  std::string where;
  /// With what it lies in: `lookup.origin.timeout`, `input[3].at`. May be empty.
  std::string key;
  /// As the file has it; empty where the key is missing.
  std::string value;
  std::string rule;
  /// Grows from the begin of the file to its end; 0 where it is the file as a whole,
  /// `place_of_overrides` for a `--set`.
  std::uint64_t place = 0;

  static constexpr std::uint64_t place_of_overrides = std::numeric_limits<std::uint64_t>::max();

  /// One line: `job.toml:12: pool.airports.connections = 0: must be 1 to 1024`.
  std::string text() const;
};

/// Puts the mistakes of one file in the order in which the file has them.
void put_in_order(std::vector<mistake>& of_one_file);

/// The one of `known` that is close to `name`; null: none is.
const std::string* closest(std::string_view name, const std::vector<std::string>& known);

/// ` (did you mean "x"?)` where one of `known` is close to `name`, else empty.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& known);

} // namespace weir::tool
