// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The waiting pools of one job, as calls find them: whoever runs the job makes the list, and it outlives all
/// operator instances. Read on the operators' threads.

#include "weir/function_context.hpp"

#include <stdexcept>
#include <vector>

namespace weir {

class future_waiter;

class waiting_pools {
public:
  /// The next in number.
  void add(future_waiter& waiter, const void* identity) { all_.push_back({&waiter, identity}); }

  /// Throws where the pool belongs to another environment.
  future_waiter& find(const pool_id& pool) const {
    if (pool.number >= all_.size() || all_[pool.number].identity != pool.identity)
      throw std::invalid_argument("it uses a waiting pool that was made by another environment");
    return *all_[pool.number].waiter;
  }

private:
  struct one {
    future_waiter* waiter;
    const void* identity;
  };

  std::vector<one> all_;
};

} // namespace weir
