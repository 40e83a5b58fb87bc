// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Says early what is read soon, where it lies in no order that the processor could guess. From any thread;
/// changes nothing but speed.

#include <cstddef>

namespace weir {

inline constexpr std::size_t cache_line = 64;

/// Has all lines of an object brought near, which need not exist any more.
template <class T>
[[gnu::always_inline]] inline void prefetch(const T& what) noexcept {
  const auto* const at = reinterpret_cast<const char*>(&what);
  for (std::size_t line = 0; line < sizeof(T); line += cache_line)
    __builtin_prefetch(at + line);
  // It need not begin where a line does.
  if constexpr (sizeof(T) > 1)
    __builtin_prefetch(at + sizeof(T) - 1);
}

} // namespace weir
