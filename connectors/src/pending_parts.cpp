// SPDX-License-Identifier: Apache-2.0

#include "pending_parts.hpp"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace weir::detail {

void append_pending_part(std::string& state, std::string_view name, std::uint64_t bytes,
                         bool is_visible) {
  state += std::to_string(bytes) + (is_visible ? "+ " : " ");
  state += name;
  state += '\n';
}

expected<void> read_pending_parts(std::string_view state, const part_folder& in,
                                  const part_names& names, std::uint64_t checkpoint,
                                  std::map<std::string, pending_part>& into) {
  while (!state.empty()) {
    const auto end = state.find('\n');
    const auto line = state.substr(0, end);
    const auto space = line.find(' ');
    const auto name = line.substr(std::min(space + 1, line.size()));
    const auto number = names.checkpoint_of(name);
    pending_part part;
    auto [at, code] = std::from_chars(line.data(), line.data() + line.size(), part.bytes);
    part.was_visible = at != line.data() + line.size() && *at == '+';
    at += part.was_visible ? 1 : 0;
    if (end == state.npos || space == line.npos || code != std::errc{} || at != line.data() + space
        || !number || *number > checkpoint)
      return error{error_kind::damaged, in.path,
                   "cannot go on from checkpoint " + std::to_string(checkpoint)
                     + ", or start afresh: what it says is pending names no part of this sink: "
                     + std::string{line.substr(0, 100)}};
    into.emplace(name, part);
    state.remove_prefix(end + 1);
  }
  return {};
}

} // namespace weir::detail
