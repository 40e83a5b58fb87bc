// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job's checkpoints have come to: changed by its coordinator, and where one is stored by the store's
/// thread, so that one counts whose launch has ended meanwhile. Read by anybody.

#include "weir/job_status.hpp"

#include <mutex>

namespace weir {

class checkpoint_probe {
public:
  void set(const checkpoint_status& now) {
    const std::lock_guard guard{mutex_};
    is_ = now;
  }

  /// `what` is given the status to change it.
  template <class Change>
  void change(Change what) {
    const std::lock_guard guard{mutex_};
    what(is_);
  }

  checkpoint_status get() const {
    const std::lock_guard guard{mutex_};
    return is_;
  }

private:
  mutable std::mutex mutex_;
  checkpoint_status is_;
};

} // namespace weir
