// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Finds calls that hold the operator's thread: a blocking client, or a wait for an asynchronous one
/// inside the call. Reading a clock for each call would cost more than many a record, so quick calls are
/// measured in groups of up to 64. What lies between the calls of a group (steps on the results,
/// suppliers, a lost processor) is in its time, so a group that is not quick says nothing of the function:
/// it makes the next calls be measured one by one, and only such a call is reported. A function that
/// blocks from its first call on is found at the first; one that blocks now and then at the second,
/// unless many thousand calls lie between; one that begins to block in the middle of a batch at the first
/// behind the group at hand. Not thread-safe; the operator's thread. The clock comes from outside.
/// tests/operators/call_watch_test.cpp.

#include "weir/time.hpp"

#include <cstdint>
#include <functional>
#include <utility>

namespace weir {

class call_watch {
public:
  using clock_function = std::function<time_point()>;
  /// Told of each call that took too long, and how long. Must not throw.
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
  /// Calls that are measured one by one after something took as long as a call that blocks: few enough
  /// to cost a small part of that.
  static constexpr std::uint32_t alone_max = 4096;

  void end_group(std::uint32_t calls) {
    const auto took = clock_() - began_;
    if (took >= warning_) {
      if (group_ == 1)
        report_(took);
      alone_ = alone_max;
    }
    if (took >= warning_ / group_max || alone_ > 0) {
      group_ = 1;
      alone_ -= alone_ > 0 ? 1 : 0;
    } else if (calls == group_ && group_ < group_max) {
      group_ *= 2;
    }
    left_ = group_;
  }

  const duration warning_;
  const clock_function clock_;
  const report_function report_;
  std::uint32_t group_ = 1;
  /// Calls until the group at hand is full; 0 where nothing is measured.
  std::uint32_t left_;
  /// How many of the next calls are measured one by one at least.
  std::uint32_t alone_ = 0;
  time_point began_;
};

} // namespace weir
