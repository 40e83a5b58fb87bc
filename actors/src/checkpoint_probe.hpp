// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job's checkpoints have come to: changed by its coordinator, and where one is stored by the store's
/// thread, so that one counts whose launch has ended meanwhile. Read by anybody.

#include "weir/job_status.hpp"

#include <mutex>
#include <optional>
#include <utility>

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

  /// A last checkpoint that is not that of the end is durable: what the job had counted at it. What came out
  /// behind it is not visible, and comes again.
  void set_counted(job_status at_last) {
    const std::lock_guard guard{mutex_};
    counted_ = std::move(at_last);
  }

  std::optional<job_status> counted() const {
    const std::lock_guard guard{mutex_};
    return counted_;
  }

private:
  mutable std::mutex mutex_;
  checkpoint_status is_;
  std::optional<job_status> counted_;
};

} // namespace weir
