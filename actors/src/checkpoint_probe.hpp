// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job's checkpoints have come to: written by its coordinator at each one, read by anybody.

#include "weir/job_status.hpp"

#include <mutex>

namespace weir {

class checkpoint_probe {
public:
  void set(const checkpoint_status& now) {
    const std::lock_guard guard{mutex_};
    is_ = now;
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
