// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether bytes are UTF-8. A pure function; any thread.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir::detail {

/// Whether `text` is well-formed UTF-8: no overlong form, no surrogate, nothing above U+10FFFF.
inline bool is_utf8(std::string_view text) noexcept {
  const auto* p = text.data();
  const auto* const end = p + text.size();
  const auto at = [&p](std::size_t i) { return static_cast<unsigned char>(p[i]); };
  while (p < end) {
    // Nearly everything is ASCII.
    std::uint64_t eight;
    while (end - p >= 8 && (std::memcpy(&eight, p, 8), (eight & 0x8080808080808080U) == 0))
      p += 8;
    if (p == end)
      break;
    const auto lead = at(0);
    if (lead < 0x80) {
      ++p;
      continue;
    }
    std::ptrdiff_t length;
    // The second byte's range says all that is special about some leads; the others follow 80..BF.
    unsigned char low = 0x80, high = 0xBF;
    if (lead >= 0xC2 && lead <= 0xDF) {
      length = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
      length = 3;
      if (lead == 0xE0)
        low = 0xA0;
      else if (lead == 0xED)
        high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
      length = 4;
      if (lead == 0xF0)
        low = 0x90;
      else if (lead == 0xF4)
        high = 0x8F;
    } else {
      return false;
    }
    if (end - p < length || at(1) < low || at(1) > high)
      return false;
    for (std::ptrdiff_t i = 2; i < length; ++i)
      if ((at(static_cast<std::size_t>(i)) & 0xC0) != 0x80)
        return false;
    p += length;
  }
  return true;
}

} // namespace weir::detail
