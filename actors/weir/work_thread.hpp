// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a job does what may hold a thread up and must not hold up an actor: a checkpoint is written, a
/// launch that has failed is taken down and the next one begun. All such work of a job is done in one
/// order, so that a launch which begins finds done, or dropped, what the one before it had left. Tasks are
/// given from any thread. They must not throw. tests/threads/work_thread_test.cpp; queued_work.hpp is its
/// counterpart in virtual time.

#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>

namespace weir {

class work_queue {
public:
  virtual ~work_queue() = default;

  /// Behind all that were given before.
  virtual void run(unique_function<void()> task) = 0;

  /// When it is due, behind all that wait then.
  virtual void run_at(time_point at, unique_function<void()> task) = 0;

  /// Drops what `run_at` was given. One that is due may run all the same.
  virtual void forget_timed() = 0;
};

/// One thread of the object's own. It counts as one that runs stages (stage_thread.hpp): a wait for the
/// job there would wait for itself.
class work_thread final : public work_queue {
public:
  work_thread();
  /// Waits for the task that runs; drops the others, and those that are given from now on. Not on the
  /// thread itself.
  ~work_thread() override;
  work_thread(const work_thread&) = delete;
  work_thread& operator=(const work_thread&) = delete;

  void run(unique_function<void()> task) override;
  void run_at(time_point at, unique_function<void()> task) override;
  void forget_timed() override;

private:
  using task = unique_function<void()>;

  void work() noexcept;
  /// Waits for it. Empty: there will be no more.
  task next();

  std::mutex mutex_;
  std::condition_variable come_;
  std::deque<task> tasks_;
  std::multimap<time_point, task> timed_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace weir
