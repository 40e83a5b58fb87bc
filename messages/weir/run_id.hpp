// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Names a run of a job: from a fresh start to its finish, over crashes and restarts. 128 bits,
/// drawn by chance at the fresh start. A plain value; any thread.

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir {

struct run_id {
  std::array<std::uint8_t, 16> bytes{};

  /// 32 hexadecimal digits.
  std::string text() const {
    constexpr const char* digits = "0123456789abcdef";
    std::string result;
    for (const auto byte : bytes) {
      result += digits[byte >> 4];
      result += digits[byte & 0xF];
    }
    return result;
  }

  friend auto operator<=>(const run_id&, const run_id&) = default;
};

} // namespace weir
