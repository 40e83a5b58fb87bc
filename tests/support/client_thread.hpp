// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands for the thread of a client library: does what it is given, in turn, and all of it before it
/// ends.

#include "weir/unique_function.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stop_token>
#include <thread>
#include <utility>

namespace weir::testing {

class client_thread {
public:
  void post(weir::unique_function<void()> work) {
    {
      const std::lock_guard guard{mutex_};
      work_.push_back(std::move(work));
    }
    come_.notify_one();
  }

  std::thread::id id() const { return thread_.get_id(); }

private:
  void run(const std::stop_token& stopped) {
    std::unique_lock guard{mutex_};
    while (come_.wait(guard, stopped, [&] { return !work_.empty(); })) {
      auto next = std::move(work_.front());
      work_.pop_front();
      guard.unlock();
      next();
      next = nullptr;
      guard.lock();
    }
  }

  std::mutex mutex_;
  std::condition_variable_any come_;
  std::deque<weir::unique_function<void()>> work_;
  // Last: it ends before what it uses.
  std::jthread thread_{[this](const std::stop_token& stopped) { run(stopped); }};
};

} // namespace weir::testing
