// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Two times that must never be mixed up: event time, which records carry, and the steady clock's
/// time, which deadlines are made of. Values only; any thread. weir's deterministic parts never read a
/// clock: a `time_point` is always handed to them.

#include <chrono>
#include <cstdint>
#include <limits>

namespace weir {

/// Lengths of time: timeouts, delays, ages. Nanoseconds.
using duration = std::chrono::nanoseconds;

/// A reading of the steady clock. Meaningless outside the process that read it.
using time_point = std::chrono::time_point<std::chrono::steady_clock, duration>;

/// Event time of a record: milliseconds since 1970-01-01T00:00:00Z, or `none()`.
class event_time {
public:
  /// No event time.
  constexpr event_time() noexcept = default;

  constexpr explicit event_time(std::int64_t since_epoch_ms) noexcept : ms_(since_epoch_ms) {}

  static constexpr event_time none() noexcept { return event_time{}; }

  constexpr bool has_value() const noexcept { return ms_ != absent; }

  /// Milliseconds since the epoch. Only where `has_value()`.
  constexpr std::int64_t ms() const noexcept { return ms_; }

  friend constexpr auto operator<=>(event_time, event_time) noexcept = default;

private:
  static constexpr std::int64_t absent = std::numeric_limits<std::int64_t>::min();
  std::int64_t ms_ = absent;
};

} // namespace weir
