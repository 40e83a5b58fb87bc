// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which wake-up messages of a stage are under way. CAF's delayed messages cannot be cancelled, so a new
/// one is sent only where none comes early enough, and none is sent far ahead: an operator has a handful
/// under way however many deadlines it has. Part of a stage's shell, on its thread.

#include "weir/time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <vector>

namespace weir {

class wake_ups {
public:
  /// The furthest ahead that a wake-up is sent; what is due later is looked at again then.
  static constexpr duration horizon = std::chrono::seconds{1};

  /// Something is due at `due` (`time_point::max()`: nothing). When a message must be sent for, if so.
  std::optional<time_point> arm(time_point due, time_point now) {
    if (due == time_point::max())
      return std::nullopt;
    const auto at = std::min(due, now + horizon);
    if (!under_way_.empty() && under_way_.back() <= at)
      return std::nullopt;
    under_way_.push_back(at);
    return at;
  }

  /// The message for `at` has come.
  void arrived(time_point at) { std::erase(under_way_, at); }

  std::size_t under_way() const noexcept { return under_way_.size(); }

private:
  /// Descending: a new one is always the earliest.
  std::vector<time_point> under_way_;
};

} // namespace weir
