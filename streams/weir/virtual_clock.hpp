// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Time for tests of jobs and functions: it stands still until the test moves it, and what happens
/// between two moments happens in one thread, in the same order in every run. What is tested on a clock
/// (an `operator_harness`, a `virtual_job`) is destroyed before it. Used by one thread.

#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <cstdint>
#include <memory>

namespace weir {
class virtual_system;
}

namespace weir::testing {

class virtual_clock {
public:
  virtual_clock();
  ~virtual_clock();
  virtual_clock(const virtual_clock&) = delete;
  virtual_clock& operator=(const virtual_clock&) = delete;

  /// How far it was moved since it was made.
  duration now() const;

  /// What a wall clock would show: 2000-01-01, midnight UTC, and `now()` more. Sources that take the time of
  /// reading get it.
  event_time wall_time() const;

  /// Calls `what` when so much time has passed; 0 and less: when the test next moves the clock or runs.
  /// Those of one moment are called in the order in which they were asked for, before anything that weir
  /// itself does at that moment.
  void call_after(duration wait, unique_function<void()> what);

  /// Moves the clock; all that is due on the way happens at its time.
  /// @throws std::invalid_argument where `by` is less than 0.
  void advance(duration by);

  /// Lets happen what can happen without the clock being moved.
  void run();

  /// From now on chance decides who goes first where several may. The same seed decides the same.
  void shuffle(std::uint64_t seed);

  // -- for the parts of weir::testing --

  virtual_system& system() noexcept;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace weir::testing
