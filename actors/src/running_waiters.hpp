// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The waiting pools of a job that runs, with their threads. Owned by whoever starts the job, who also
/// destroys it, when all actors have ended.

#include "weir/future_waiter.hpp"
#include "weir/job_plan.hpp"
#include "weir/job_status.hpp"
#include "weir/waiting_pools.hpp"

#include <memory>
#include <string>
#include <vector>

namespace weir {

class running_waiters {
public:
  /// Starts the threads, but in virtual time, where `look` stands in their place. What went wrong.
  std::vector<error> open(const std::vector<waiting_pool_plan>& plans, bool in_virtual_time);

  /// See `future_waiter::look`.
  bool look(time_point now, bool give_up);

  /// What calls need to use them.
  const waiting_pools& access() const noexcept { return access_; }

  std::vector<waiting_pool_status> status() const;

  /// Ends the threads. Idempotent.
  void close();

private:
  struct one {
    std::string name;
    std::unique_ptr<future_waiter> waiter;
  };

  std::vector<one> waiters_;
  waiting_pools access_;
};

} // namespace weir
