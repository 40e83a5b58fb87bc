// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Waits for file descriptors, so that no stage has to: one thread, started with the first wait and
/// joined by the destructor, sleeps in poll(2) and calls back when a descriptor is ready. Any thread may
/// ask; callbacks run on the watcher's thread, must be short, and are not called after the destructor.

#include "weir/source.hpp"

#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace weir {

/// Calls `ready` once, from any thread, when the descriptor is ready.
using fd_waiter = std::function<void(const fd_wait& for_what, std::function<void()> ready)>;

class fd_watcher {
public:
  fd_watcher();
  ~fd_watcher();
  fd_watcher(const fd_watcher&) = delete;
  fd_watcher& operator=(const fd_watcher&) = delete;

  /// Calls `ready` once, when the descriptor can be read from or written to, or is broken.
  void wait(const fd_wait& for_what, std::function<void()> ready);

private:
  struct waiter {
    fd_wait for_what;
    std::function<void()> ready;
  };

  void run();
  void wake() noexcept;

  std::mutex mutex_;
  std::vector<waiter> added_;
  bool stopping_ = false;
  /// Read and write end of the pipe that wakes the thread.
  int wake_fds_[2] = {-1, -1};
  std::thread thread_;
};

} // namespace weir
