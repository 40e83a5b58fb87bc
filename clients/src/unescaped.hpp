// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Percent-encoding of addresses (RFC 3986, section 2.1). Pure; any thread.

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::detail {

/// The value of a hexadecimal digit; negative: it is none.
constexpr int hex_value(char c) noexcept {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/// The characters that `%41` and the like stand for; what is no such escape stays.
inline std::string unescaped(std::string_view text) {
  std::string plain;
  plain.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_escape
      = text[i] == '%' && i + 2 < text.size() && hex_value(text[i + 1]) >= 0 && hex_value(text[i + 2]) >= 0;
    plain += is_escape ? static_cast<char>(hex_value(text[i + 1]) * 16 + hex_value(text[i + 2])) : text[i];
    i += is_escape ? 2 : 0;
  }
  return plain;
}

} // namespace weir::detail
