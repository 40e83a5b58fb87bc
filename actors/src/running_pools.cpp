// SPDX-License-Identifier: Apache-2.0
#include "running_pools.hpp"

#include "guarded.hpp"

#include <caf/actor_system.hpp>

#include <utility>

namespace weir {

std::vector<error> running_pools::open(const std::vector<pool_plan>& plans) {
  std::vector<error> failed;
  for (const auto& plan : plans) {
    const auto thing = "pool " + plan.name;
    auto made = guarded(thing, [&] { return plan.make(plan.settings); });
    if (!made) {
      failed.push_back(made.why());
      continue;
    }
    one running{plan.name, plan.statements.get(), std::make_shared<pool_inbox>(), std::move(*made),
                std::make_shared<pool_probe>()};
    if (running.driver == nullptr) {
      failed.push_back({error_kind::argument, thing, "its factory made no driver"});
      continue;
    }
    const auto opened
      = guarded(thing, [&] { return running.driver->open(*plan.statements, *running.inbox); });
    pools_.push_back(std::move(running));
    if (!opened)
      failed.push_back(opened.why());
  }
  return failed;
}

void running_pools::spawn(caf::actor_system& system, const job_actor& job, std::size_t clients_max) {
  for (std::size_t i = 0; i < pools_.size(); ++i) {
    auto parts = std::make_shared<pool_parts>();
    parts->number = static_cast<std::uint32_t>(i);
    parts->name = pools_[i].name;
    parts->job = job;
    parts->driver = pools_[i].driver;
    parts->inbox = pools_[i].inbox;
    parts->probe = pools_[i].probe;
    parts->clients_max = clients_max;
    pools_[i].actor = system.spawn(pool, std::move(parts));
  }
}

std::vector<pool_access> running_pools::access() const {
  std::vector<pool_access> all;
  for (const auto& each : pools_)
    all.push_back({each.actor, each.identity});
  return all;
}

std::vector<pool_status> running_pools::status() const {
  std::vector<pool_status> all;
  for (const auto& each : pools_)
    all.push_back({each.name, each.probe->calls.value(), each.probe->errors.value(),
                   each.probe->held.value()});
  return all;
}

void running_pools::close() {
  for (auto& each : pools_)
    each.driver->close();
}

} // namespace weir
