// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <cstddef>

namespace weir::detail {

/// Writes `n` with its lowest byte first.
template <std::unsigned_integral T>
void put_little(std::byte* to, T n) noexcept {
  for (std::size_t i = 0; i < sizeof(T); ++i)
    to[i] = static_cast<std::byte>(n >> (8 * i));
}

template <std::unsigned_integral T>
T get_little(const std::byte* from) noexcept {
  T n = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    n = static_cast<T>(n | static_cast<T>(static_cast<T>(from[i]) << (8 * i)));
  return n;
}

} // namespace weir::detail
