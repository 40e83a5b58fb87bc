// SPDX-License-Identifier: Apache-2.0
#include "weir/queued_work.hpp"

#include "weir/stage_thread.hpp"
#include "weir/virtual_system.hpp"

#include <utility>

namespace weir {

queued_work::queued_work(virtual_system& system) : system_(system) {
  system_.add_idler(this, [this](bool) { return look(); });
}

queued_work::~queued_work() {
  system_.set_alarm(this, time_point::max());
  system_.remove_idler(this);
}

void queued_work::run(unique_function<void()> task) {
  tasks_.push_back(std::move(task));
}

void queued_work::run_at(time_point at, unique_function<void()> task) {
  timed_.emplace(at, std::move(task));
  set_alarm();
}

void queued_work::forget_timed() {
  const auto forgotten = std::exchange(timed_, {});
  set_alarm();
}

void queued_work::set_alarm() {
  system_.set_alarm(this, timed_.empty() ? time_point::max() : timed_.begin()->first);
}

bool queued_work::look() {
  // What is due goes behind all that wait.
  while (!timed_.empty() && timed_.begin()->first <= system_.now()) {
    tasks_.push_back(std::move(timed_.begin()->second));
    timed_.erase(timed_.begin());
    set_alarm();
  }
  if (held_ || tasks_.empty())
    return false;
  auto first = std::move(tasks_.front());
  tasks_.pop_front();
  const stage_scope waits_for_nobody;
  first();
  return true;
}

} // namespace weir
