// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Names a run of a job: from a fresh start to its finish, over crashes and restarts. 128 bits,
/// drawn by chance at the fresh start, or made of a seed where runs are to be repeated. A plain value; any thread.

#include "weir/splitmix64.hpp"

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>

namespace weir {

struct run_id {
  std::array<std::uint8_t, 16> bytes{};

  /// The two numbers, lowest byte first: for chance, and for what stands in its place.
  static constexpr run_id of(std::uint64_t first, std::uint64_t second) noexcept {
    run_id made;
    for (std::size_t i = 0; i < 8; ++i) {
      made.bytes[i] = static_cast<std::uint8_t>(first >> 8 * i);
      made.bytes[8 + i] = static_cast<std::uint8_t>(second >> 8 * i);
    }
    return made;
  }

  /// The same for the same seed.
  static constexpr run_id of_seed(std::uint64_t seed) noexcept {
    return of(splitmix64(seed + splitmix64_step), splitmix64(seed + 2 * splitmix64_step));
  }

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
