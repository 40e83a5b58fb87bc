// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How long the last attempts of each record took: four a slot, apart from the entries, since only records
/// whose calls fail need them. Part of the deterministic machine: no allocation once grown, not
/// thread-safe.

#include "weir/slot_index.hpp"
#include "weir/time.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

class attempt_durations {
public:
  void grow(std::size_t slots) { of_.resize(slots); }

  /// Attempt `attempt` (from 1 on) has ended.
  void note(slot_index slot, std::uint32_t attempt, duration took) noexcept {
    of_[slot][(attempt - 1) % kept] = took;
  }

  /// Those of the last (at most four) of `ended` attempts, oldest first.
  std::vector<duration> last(slot_index slot, std::uint32_t ended) const {
    std::vector<duration> in_order;
    for (auto n = ended - std::min(ended, kept); n < ended; ++n)
      in_order.push_back(of_[slot][n % kept]);
    return in_order;
  }

  /// The counterpart: `ended` attempts, of the last of which these are known.
  void restore(slot_index slot, std::uint32_t ended, const std::vector<duration>& last) noexcept {
    auto attempt = ended - static_cast<std::uint32_t>(last.size());
    for (const auto took : last)
      note(slot, ++attempt, took);
  }

private:
  static constexpr std::uint32_t kept = 4;

  std::vector<std::array<duration, kept>> of_;
};

} // namespace weir
