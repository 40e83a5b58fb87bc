// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What is the same for all that is dealt to other instances. Plain values; one thread.

#include "weir/time.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace weir {

/// Where share `i` of `shares` begins. They differ by one at most, and the first is none of the smaller ones.
constexpr std::uint64_t share_begin(std::uint64_t all, std::uint32_t i,
                                    std::uint32_t shares) noexcept {
  return all / shares * i + (all % shares * i + shares - 1) / shares;
}

/// Says to whom each of a row belongs, which is asked for in order.
class contiguous_shares {
public:
  contiguous_shares(std::uint64_t all, std::uint32_t shares) noexcept
    : all_(all),
      shares_(shares) {}

  std::uint32_t next() noexcept {
    while (current_ + 1 < shares_ && at_ >= share_begin(all_, current_ + 1, shares_))
      ++current_;
    ++at_;
    return current_;
  }

private:
  std::uint64_t all_;
  std::uint32_t shares_;
  std::uint64_t at_ = 0;
  std::uint32_t current_ = 0;
};

/// The least of several times, of which a missing one is less than all others. Those of who is idle or has
/// ended count only where there is nobody else.
class least_time {
public:
  void add(event_time at, bool is_active) noexcept {
    auto& of = is_active ? active_ : others_;
    of = of ? std::min(*of, at) : at;
  }

  event_time get() const noexcept {
    return active_ ? *active_ : others_.value_or(event_time::none());
  }

private:
  std::optional<event_time> active_;
  std::optional<event_time> others_;
};

} // namespace weir
