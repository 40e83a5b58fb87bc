// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The client pools of something that runs: their drivers, which have threads of their own, and the
/// actors in front of them. Owned by whoever starts it, who also destroys it, when all actors that ask
/// have ended.

#include "operator_stage.hpp"
#include "pool.hpp"

#include "weir/job_plan.hpp"
#include "weir/job_status.hpp"

#include <memory>
#include <string>
#include <vector>

namespace caf {
class actor_system;
}

namespace weir {

class running_pools {
public:
  running_pools() = default;
  ~running_pools() { close(); }
  running_pools(const running_pools&) = delete;
  running_pools& operator=(const running_pools&) = delete;

  /// Makes and opens the drivers, which may block for a moment. What went wrong.
  std::vector<error> open(const std::vector<pool_plan>& plans);

  /// Spawns the actors; `clients_max` operator instances may ask each.
  void spawn(caf::actor_system& system, const job_actor& job, std::size_t clients_max);

  /// What an operator instance needs to ask them, by number. After `spawn`.
  std::vector<pool_access> access() const;

  std::vector<pool_status> status() const;

  /// Ends the drivers' threads. Idempotent.
  void close();

private:
  struct one {
    std::string name;
    const void* identity;
    std::shared_ptr<pool_inbox> inbox;
    std::shared_ptr<client_driver> driver;
    std::shared_ptr<pool_probe> probe;
    pool_actor actor{};
  };

  std::vector<one> pools_;
};

} // namespace weir
