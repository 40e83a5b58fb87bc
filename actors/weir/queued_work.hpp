// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The work of a job in virtual time: a task is run when no actor has a message, one at a time, so that
/// what it brings about comes before the next; a timed one when the clock has been moved to its time.
/// Used on the thread of its system, which outlives it. tests/actors/queued_work_test.cpp.

#include "weir/work_thread.hpp"

#include <cstddef>
#include <deque>
#include <map>

namespace weir {

class virtual_system;

class queued_work final : public work_queue {
public:
  explicit queued_work(virtual_system& system);
  /// Drops what has not begun. Not from a task.
  ~queued_work() override;
  queued_work(const queued_work&) = delete;
  queued_work& operator=(const queued_work&) = delete;

  void run(unique_function<void()> task) override;
  void run_at(time_point at, unique_function<void()> task) override;
  void forget_timed() override;

  /// From now on tasks wait, as for a device that does not answer, until they are let go.
  void hold(bool held) noexcept { held_ = held; }

  /// Those that have not begun, timed ones too.
  std::size_t waiting() const noexcept { return tasks_.size() + timed_.size(); }

private:
  /// Runs a task, if one may run now. Whether there was one.
  bool look();
  void set_alarm();

  virtual_system& system_;
  std::deque<unique_function<void()>> tasks_;
  std::multimap<time_point, unique_function<void()>> timed_;
  bool held_ = false;
};

} // namespace weir
