// SPDX-License-Identifier: Apache-2.0
#pragma once

// The names of what a directory_store makes; see weir/directory_store.hpp.

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::checkpoint_names {

inline constexpr std::string_view run_prefix = "run-";
inline constexpr std::string_view checkpoint_prefix = "chk-";
inline constexpr std::string_view unfinished = ".tmp";
inline constexpr std::string_view set_aside_mark = ".corrupt";
inline constexpr std::string_view lock_file_name = "LOCK";
inline constexpr std::string_view manifest_file_name = "MANIFEST";

inline constexpr std::size_t digits = 10;

inline std::string numbered(std::string_view prefix, std::uint64_t n) {
  auto text = std::to_string(n);
  if (text.size() < digits)
    text.insert(0, digits - text.size(), '0');
  return std::string{prefix} + text;
}

/// The number of a name that `numbered` made.
inline std::optional<std::uint64_t> number_of(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix))
    return std::nullopt;
  const auto text = name.substr(prefix.size());
  std::uint64_t n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || numbered(prefix, n) != name)
    return std::nullopt;
  return n;
}

/// The path of `name` in a folder.
inline std::string in(const std::string& folder, std::string_view name) {
  return folder + (folder.ends_with('/') ? "" : "/") + std::string{name};
}

} // namespace weir::checkpoint_names
