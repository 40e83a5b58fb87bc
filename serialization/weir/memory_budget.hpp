// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

namespace weir {

/// How much memory the records of one state may take when it is loaded, so that bytes that nobody
/// wrote cannot ask for all there is: 64 MiB and eight times the state. Who saves a state counts in
/// the same way and refuses what could not be loaded. One thread.
class memory_budget {
public:
  static constexpr std::size_t least = 64 * 1024 * 1024;

  explicit constexpr memory_budget(std::size_t state_bytes) noexcept : left_(of(state_bytes)) {}

  static constexpr std::size_t of(std::size_t state_bytes) noexcept {
    return state_bytes > (static_cast<std::size_t>(-1) - least) / 8 ? static_cast<std::size_t>(-1)
                                                                    : least + 8 * state_bytes;
  }

  /// False where that is more than is left.
  constexpr bool take(std::size_t bytes) noexcept {
    if (bytes > left_)
      return false;
    left_ -= bytes;
    return true;
  }

  constexpr std::size_t left() const noexcept { return left_; }

private:
  std::size_t left_;
};

} // namespace weir
