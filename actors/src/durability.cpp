// SPDX-License-Identifier: Apache-2.0
#include "weir/durability.hpp"

#include "weir/stage_thread.hpp"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

namespace weir {

void durability::reach(std::uint64_t checkpoint) {
  std::vector<callback> told;
  {
    const std::lock_guard guard{mutex_};
    reached_ = std::max(reached_, std::optional{checkpoint});
    const auto end = callbacks_.upper_bound(*reached_);
    for (auto at = callbacks_.begin(); at != end; ++at)
      told.push_back(std::move(at->second));
    callbacks_.erase(callbacks_.begin(), end);
  }
  come_.notify_all();
  std::exception_ptr thrown;
  for (auto& each : told)
    try {
      each({});
    } catch (...) {
      if (!thrown)
        thrown = std::current_exception();
    }
  if (thrown)
    std::rethrow_exception(thrown);
}

void durability::end(const error& why) noexcept {
  std::multimap<std::uint64_t, callback> told;
  {
    const std::lock_guard guard{mutex_};
    if (!ended_)
      ended_ = why;
    told.swap(callbacks_);
  }
  come_.notify_all();
  const expected<void> how{why};
  for (auto& [first, each] : told)
    try {
      each(how);
    } catch (...) {
      // The run has ended: there is nothing left that could fail.
    }
}

std::optional<expected<void>> durability::known(std::uint64_t first) const {
  const std::lock_guard guard{mutex_};
  return find(first);
}

expected<void> durability::wait(std::uint64_t first, duration at_most) const {
  std::unique_lock guard{mutex_};
  if (auto how = find(first))
    return *std::move(how);
  if (on_stage_thread())
    return would_block("ticket", "wait_durable", "leave a callback with on_durable");
  if (in_virtual_time_)
    return would_block("ticket", "wait_durable", "let the clock run first");
  // So that adding it to a time does not overflow; nobody waits longer either.
  if (!come_.wait_for(guard, std::min(at_most, duration::max() / 4),
                      [&] { return find(first).has_value(); }))
    return error{error_kind::timeout, "ticket",
                 "its record has not become durable in the time given"};
  return *find(first);
}

void durability::on_durable(std::uint64_t first, callback then) {
  std::optional<expected<void>> how;
  {
    const std::lock_guard guard{mutex_};
    how = find(first);
    if (!how)
      callbacks_.emplace(first, std::move(then));
  }
  if (how)
    then(*how);
}

std::optional<expected<void>> durability::find(std::uint64_t first) const {
  if (reached_ && *reached_ >= first)
    return expected<void>{};
  if (ended_)
    return expected<void>{*ended_};
  return std::nullopt;
}

} // namespace weir
