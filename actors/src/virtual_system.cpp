// SPDX-License-Identifier: Apache-2.0
#include "weir/virtual_system.hpp"

#include "weir/type_ids.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {

namespace {

struct config : caf::actor_system_config {
  config() {
    add_message_types<caf::id_block::weir>();
    set("scheduler.policy", caf::atom("testing"));
    set("logger.verbosity", caf::atom("quiet"));
  }
};

} // namespace

struct virtual_system::impl {
  impl()
    : system(std::make_unique<caf::actor_system>(settings)),
      scheduler(dynamic_cast<caf::scheduler::test_coordinator&>(system->scheduler())) {}

  config settings;
  std::unique_ptr<caf::actor_system> system;
  caf::scheduler::test_coordinator& scheduler;
  std::optional<std::mt19937_64> chance;
  std::vector<std::pair<const void*, idler>> idlers{};
  std::map<const void*, time_point> alarms{};
  std::size_t steps = 0;
};

virtual_system::virtual_system() : impl_(std::make_unique<impl>()) {
  // It begins at 1 ns, before which hardly a deadline fits.
  scheduler().clock().current_time += std::chrono::hours{1};
}

virtual_system::~virtual_system() {
  // What it points to would be destroyed before the actors that use it.
  if (!end())
    static_cast<void>(impl_.release());
}

bool virtual_system::end() {
  for (int rounds = 0; actors() > 0 && rounds < 100; ++rounds)
    advance(std::chrono::milliseconds{100});
  return actors() == 0;
}

caf::actor_system& virtual_system::system() noexcept {
  return *impl_->system;
}

caf::scheduler::test_coordinator& virtual_system::scheduler() noexcept {
  return impl_->scheduler;
}

std::size_t virtual_system::actors() const {
  return impl_->system->registry().running();
}

time_point virtual_system::now() const {
  return impl_->scheduler.clock().now();
}

time_point virtual_system::next_timer() const {
  auto next = time_point::max();
  for (const auto& [owner, at] : impl_->alarms)
    next = std::min(next, at);
  const auto& timers = impl_->scheduler.clock().schedule();
  return timers.empty() ? next : std::min<time_point>(next, timers.begin()->first);
}

std::size_t virtual_system::timers() const {
  return impl_->scheduler.clock().schedule().size();
}

void virtual_system::set_time(time_point to) {
  impl_->scheduler.clock().current_time = to;
}

std::size_t virtual_system::trigger_timers() {
  return next_timer() <= now() ? impl_->scheduler.advance_time(duration{0}) : 0;
}

void virtual_system::advance(duration by) {
  run();
  const auto until = now() + by;
  while (next_timer() <= until) {
    set_time(std::max(now(), next_timer()));
    run();
  }
  set_time(until);
  run();
}

bool virtual_system::step() {
  if (impl_->scheduler.jobs.empty())
    return look(false) || trigger_timers() > 0 || look(true);
  run_one();
  return true;
}

void virtual_system::run_messages() {
  while (!impl_->scheduler.jobs.empty())
    run_one();
}

void virtual_system::run(std::size_t steps_max) {
  for (std::size_t n = 0; step(); ++n)
    if (n == steps_max)
      throw std::runtime_error("the actors never come to rest");
}

void virtual_system::run_one() {
  auto& jobs = impl_->scheduler.jobs;
  if (impl_->chance)
    std::swap(jobs.front(), jobs[(*impl_->chance)() % jobs.size()]);
  auto* const current = jobs.front();
  on_step(*current);
  impl_->scheduler.run_once();
  // CAF's testing scheduler lets one actor run on for ever; its real ones put it behind the others.
  if (!jobs.empty() && jobs.front() == current)
    std::rotate(jobs.begin(), jobs.begin() + 1, jobs.end());
  ++impl_->steps;
}

void virtual_system::add_idler(const void* owner, idler what) {
  impl_->idlers.emplace_back(owner, std::move(what));
}

void virtual_system::remove_idler(const void* owner) {
  std::erase_if(impl_->idlers, [&](const auto& each) { return each.first == owner; });
}

void virtual_system::set_alarm(const void* owner, time_point at) {
  if (at == time_point::max())
    impl_->alarms.erase(owner);
  else
    impl_->alarms[owner] = at;
}

bool virtual_system::look(bool at_rest) {
  bool found = false;
  for (const auto& [owner, what] : impl_->idlers)
    found = what(at_rest) || found;
  return found;
}

void virtual_system::shuffle(std::uint64_t seed) {
  impl_->chance.emplace(seed);
}

std::size_t virtual_system::steps() const noexcept {
  return impl_->steps;
}

void virtual_system::on_step(caf::resumable&) {}

} // namespace weir
