// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How other threads say to somebody that something has come for him: with a lock of its own, so that nobody who
/// brings the next thing waits while a thread of the system is woken, and none is woken once he is gone. Thread-safe;
/// outlives whoever wakes.

#include <functional>
#include <mutex>
#include <utility>

namespace weir {

class waker {
public:
  /// `wake` is called under a lock: it must not block, nor lead back here. Null: nobody is there.
  explicit waker(std::function<void()> wake = nullptr) : wake_(std::move(wake)) {}
  waker(const waker&) = delete;
  waker& operator=(const waker&) = delete;

  /// From now on it is this that wakes. When this returns the one before is not called any more.
  void set(std::function<void()> wake) {
    const std::lock_guard guard{mutex_};
    wake_ = std::move(wake);
  }

  void wake() {
    const std::lock_guard guard{mutex_};
    if (wake_)
      wake_();
  }

private:
  std::mutex mutex_;
  std::function<void()> wake_;
};

} // namespace weir
