// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether a text is a number as JSON writes them. Pure; any thread. Shown by tests/clients/stored_json_test.cpp.

#include <cstddef>
#include <string_view>

namespace weir {

/// The grammar of RFC 8259, section 6: no blanks, no sign but a minus, no leading zero, no bare point.
constexpr bool is_json_number(std::string_view text) noexcept {
  std::size_t i = 0;
  const auto is_at = [&](char c) { return i < text.size() && text[i] == c; };
  const auto digits = [&] {
    const auto first = i;
    while (i < text.size() && text[i] >= '0' && text[i] <= '9')
      ++i;
    return i > first;
  };
  if (is_at('-'))
    ++i;
  if (is_at('0'))
    ++i;
  else if (!digits())
    return false;
  if (is_at('.') && (++i, !digits()))
    return false;
  if (is_at('e') || is_at('E')) {
    ++i;
    if (is_at('+') || is_at('-'))
      ++i;
    if (!digits())
      return false;
  }
  return i == text.size();
}

} // namespace weir
