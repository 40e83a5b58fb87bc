// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Finds calls that hold the operator's thread: a blocking client, or a wait for an asynchronous one
/// inside the call. Reading a clock for each call would cost more than many a record, so quick calls are
/// measured in groups of up to 64; a group that is not quick makes the next calls be measured one by one.
/// A function that blocks from its first call on is measured exactly; one that begins to block later is
/// found by its group, which then counts once. Several calls of one group that are each just below the
/// bound may count as one. Not thread-safe; the operator's thread. The clock comes from outside.
/// tests/operators/call_watch_test.cpp.

#include "weir/time.hpp"

#include <cstdint>
#include <functional>
#include <utility>

namespace weir {

class call_watch {
public:
  using clock_function = std::function<time_point()>;
  /// Told of each call (or group) that took too long, and how long.
  using report_function = std::function<void(duration)>;

  /// `warning`: how long a call may hold the thread; 0, or no clock: nothing is measured.
  call_watch(duration warning, clock_function clock, report_function report)
    : warning_(warning),
      clock_(std::move(clock)),
      report_(std::move(report)),
      left_(warning == duration{0} || !clock_ ? 0 : group_) {}

  // -- around each call --

  void call_begins() {
    if (left_ == group_)
      began_ = clock_();
  }

  void call_ends() {
    if (left_ != 0 && --left_ == 0)
      end_group(group_);
  }

  /// The handling of a message ends: what follows until the next one is no call.
  void message_ends() {
    if (left_ != 0 && left_ < group_)
      end_group(group_ - left_);
  }

  /// How many calls are measured together now.
  std::uint32_t group() const noexcept { return group_; }

private:
  static constexpr std::uint32_t group_max = 64;

  void end_group(std::uint32_t calls) {
    const auto took = clock_() - began_;
    if (took >= warning_)
      report_(took);
    if (took >= warning_ / group_max)
      group_ = 1;
    else if (calls == group_ && group_ < group_max)
      group_ *= 2;
    left_ = group_;
  }

  const duration warning_;
  const clock_function clock_;
  const report_function report_;
  std::uint32_t group_ = 1;
  /// Calls until the group at hand is full; 0 where nothing is measured.
  std::uint32_t left_;
  time_point began_;
};

} // namespace weir
