// SPDX-License-Identifier: Apache-2.0

#include "weir/position_text.hpp"

#include <charconv>
#include <system_error>

namespace weir {

std::string write_position(
  std::initializer_list<std::pair<std::string_view, std::uint64_t>> numbers) {
  std::string text;
  for (const auto& [name, number] : numbers) {
    if (!text.empty())
      text += ' ';
    text += name;
    text += '=';
    text += std::to_string(number);
  }
  return text;
}

bool read_position(std::string_view text,
                   std::initializer_list<std::pair<std::string_view, std::uint64_t*>> into) {
  bool first = true;
  for (const auto& [name, number] : into) {
    if (!std::exchange(first, false)) {
      if (!text.starts_with(' '))
        return false;
      text.remove_prefix(1);
    }
    if (!text.starts_with(name) || !text.substr(name.size()).starts_with('='))
      return false;
    text.remove_prefix(name.size() + 1);
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), *number);
    if (code != std::errc{})
      return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  }
  return text.empty();
}

error not_a_position(std::string of, const split_position& what) {
  constexpr std::size_t shown_max = 200;
  return {error_kind::incompatible, std::move(of),
          "cannot go on from '" + what.position.substr(0, shown_max) + "' in split "
            + std::to_string(what.split)
            + ", since it has written no such position; the source was another one when the "
              "checkpoint was "
              "made"};
}

} // namespace weir
