// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Keeps what happens again and again from filling a log: the first is told at once, then one a minute at
/// most. Deterministic: time comes from outside. Part of a stage's shell, on its thread.

#include "weir/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

namespace weir {

class log_limiter {
public:
  static constexpr duration interval = std::chrono::minutes{1};

  /// It has happened. Whether it is to be told, and then how often it has happened untold before.
  std::optional<std::uint64_t> happened(time_point now) {
    if (now < next_) {
      ++untold_;
      return std::nullopt;
    }
    next_ = now + interval;
    return std::exchange(untold_, 0);
  }

private:
  time_point next_ = time_point::min();
  std::uint64_t untold_ = 0;
};

} // namespace weir
