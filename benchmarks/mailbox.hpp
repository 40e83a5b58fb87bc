// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What threads hand to another one, which takes all that there is and is woken only where it sleeps: what workloads
/// have weir's own hand-over beside. Any number may put, one takes.

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

namespace bench {

template <class T>
class mailbox {
public:
  void put(T x) {
    bool sleeps = false;
    {
      const std::lock_guard guard{mutex_};
      all_.push_back(std::move(x));
      sleeps = std::exchange(sleeps_, false);
    }
    if (sleeps)
      come_.notify_one();
  }

  void close() {
    {
      const std::lock_guard guard{mutex_};
      closed_ = true;
    }
    come_.notify_one();
  }

  /// Waits for something; all that there is, into `into`, which is empty. False: it is closed, and nothing is left.
  bool take(std::vector<T>& into) {
    std::unique_lock guard{mutex_};
    while (all_.empty()) {
      if (closed_)
        return false;
      sleeps_ = true;
      come_.wait(guard);
    }
    sleeps_ = false;
    into.swap(all_);
    return true;
  }

private:
  std::mutex mutex_;
  std::condition_variable come_;
  std::vector<T> all_;
  /// It waits, and nobody has told it to go on.
  bool sleeps_ = false;
  bool closed_ = false;
};

} // namespace bench
