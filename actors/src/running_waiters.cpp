// SPDX-License-Identifier: Apache-2.0
#include "running_waiters.hpp"

#include <utility>

namespace weir {

std::vector<error> running_waiters::open(const std::vector<waiting_pool_plan>& plans,
                                         bool in_virtual_time) {
  std::vector<error> failed;
  for (const auto& plan : plans) {
    auto waiter = std::make_unique<future_waiter>(plan.name, in_virtual_time ? 0 : plan.threads);
    if (auto opened = waiter->open(); !opened)
      failed.push_back(std::move(opened).why());
    access_.add(*waiter, plan.identity.get());
    waiters_.push_back({plan.name, std::move(waiter)});
  }
  return failed;
}

bool running_waiters::look(time_point now, bool give_up) {
  bool any = false;
  for (const auto& each : waiters_)
    any = each.waiter->look(now, give_up) || any;
  return any;
}

std::vector<waiting_pool_status> running_waiters::status() const {
  std::vector<waiting_pool_status> all;
  for (const auto& each : waiters_)
    all.push_back({each.name, each.waiter->waiting(), each.waiter->given_up()});
  return all;
}

void running_waiters::close() {
  for (const auto& each : waiters_)
    each.waiter->close();
}

} // namespace weir
