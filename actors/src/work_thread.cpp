// SPDX-License-Identifier: Apache-2.0
#include "weir/work_thread.hpp"

#include "weir/stage_thread.hpp"

#include <chrono>
#include <utility>

namespace weir {

work_thread::work_thread() : thread_([this] { work(); }) {}

work_thread::~work_thread() {
  {
    const std::lock_guard guard{mutex_};
    over_ = true;
    come_.notify_one();
  }
  thread_.join();
}

// The thread is woken under the lock: a task may bring about that the object is destroyed as soon as the
// lock is free.

void work_thread::run(task what) {
  const std::lock_guard guard{mutex_};
  if (over_)
    return;
  tasks_.push_back(std::move(what));
  come_.notify_one();
}

void work_thread::run_at(time_point at, task what) {
  const std::lock_guard guard{mutex_};
  if (over_)
    return;
  timed_.emplace(at, std::move(what));
  come_.notify_one();
}

void work_thread::forget_timed() {
  // What a task holds is destroyed outside of the lock.
  std::multimap<time_point, task> forgotten;
  const std::lock_guard guard{mutex_};
  forgotten.swap(timed_);
}

void work_thread::work() noexcept {
  const stage_scope waits_for_nobody;
  while (auto what = next())
    what();
}

work_thread::task work_thread::next() {
  std::unique_lock guard{mutex_};
  for (;;) {
    if (over_)
      return {};
    const auto now = std::chrono::steady_clock::now();
    for (; !timed_.empty() && timed_.begin()->first <= now; timed_.erase(timed_.begin()))
      tasks_.push_back(std::move(timed_.begin()->second));
    if (!tasks_.empty()) {
      auto first = std::move(tasks_.front());
      tasks_.pop_front();
      return first;
    }
    if (timed_.empty()) {
      come_.wait(guard);
    } else {
      const auto at = timed_.begin()->first;
      come_.wait_until(guard, at);
    }
  }
}

} // namespace weir
