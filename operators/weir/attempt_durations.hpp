// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How long the last attempts of each record took: four a slot, apart from the entries, since only records
/// whose calls fail need them. Part of the deterministic machine: no allocation once grown, not
/// thread-safe.

#include "weir/slot_index.hpp"
#include "weir/time.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

/// How long the last (at most four) attempts of one record took, oldest first. A plain value.
class last_durations {
public:
  static constexpr std::size_t size_max = 4;

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  const duration* begin() const noexcept { return all_.data(); }
  const duration* end() const noexcept { return all_.data() + size_; }

  /// Only where there are fewer than `size_max`.
  void push_back(duration took) noexcept {
    assert(size_ < size_max);
    all_[size_++] = took;
  }
  void clear() noexcept { size_ = 0; }

private:
  std::array<duration, size_max> all_{};
  std::size_t size_ = 0;
};

class attempt_durations {
public:
  void grow(std::size_t slots) { of_.resize(slots); }

  /// Attempt `attempt` (from 1 on) has ended.
  void note(slot_index slot, std::uint32_t attempt, duration took) noexcept {
    of_[slot][(attempt - 1) % kept] = took;
  }

  /// Those of the last of `ended` attempts.
  last_durations last(slot_index slot, std::uint32_t ended) const noexcept {
    last_durations in_order;
    for (auto n = ended - std::min(ended, kept); n < ended; ++n)
      in_order.push_back(of_[slot][n % kept]);
    return in_order;
  }

  /// The counterpart: `ended` attempts, of the last of which these are known.
  void restore(slot_index slot, std::uint32_t ended, const last_durations& last) noexcept {
    auto attempt = ended - std::min(ended, static_cast<std::uint32_t>(last.size()));
    for (const auto took : last)
      note(slot, ++attempt, took);
  }

private:
  static constexpr std::uint32_t kept = last_durations::size_max;

  std::vector<std::array<duration, kept>> of_;
};

} // namespace weir
