// SPDX-License-Identifier: Apache-2.0
#include "weir/ticket.hpp"

#include "weir/stage_thread.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <vector>

namespace weir {

struct ticket_state::impl {
  mutable std::mutex mutex;
  std::condition_variable come;
  std::optional<settlement> how;
  std::vector<callback> callbacks;
  bool in_virtual_time = false;
  // Written before the ticket is anybody's.
  bool taken = false;
  std::shared_ptr<durability> durable_by;
  std::uint64_t first_checkpoint = 0;
};

ticket_state::ticket_state() : impl_(std::make_unique<impl>()) {}

ticket_state::~ticket_state() = default;

void ticket_state::settle(settlement how) {
  std::vector<callback> told;
  {
    const std::lock_guard guard{impl_->mutex};
    if (impl_->how)
      return;
    impl_->how = std::move(how);
    told.swap(impl_->callbacks);
  }
  impl_->come.notify_all();
  std::exception_ptr thrown;
  for (auto& each : told)
    try {
      // From now on nobody changes it.
      each(*impl_->how);
    } catch (...) {
      if (!thrown)
        thrown = std::current_exception();
    }
  if (thrown)
    std::rethrow_exception(thrown);
}

void ticket_state::settles_in_virtual_time() {
  const std::lock_guard guard{impl_->mutex};
  impl_->in_virtual_time = true;
}

void ticket_state::was_taken(std::shared_ptr<durability> of, std::uint64_t checkpoint) {
  impl_->taken = true;
  impl_->durable_by = std::move(of);
  impl_->first_checkpoint = checkpoint;
}

bool ticket_state::settled() const {
  const std::lock_guard guard{impl_->mutex};
  return impl_->how.has_value();
}

expected<settlement> ticket_state::wait(duration at_most) const {
  std::unique_lock guard{impl_->mutex};
  const auto has_settled = [&] { return impl_->how.has_value(); };
  if (!has_settled() && on_stage_thread())
    return would_block("ticket", "wait", "leave a callback with on_settled");
  if (!has_settled() && impl_->in_virtual_time)
    return would_block("ticket", "wait", "let the clock run first");
  // So that adding it to a time does not overflow; nobody waits longer either.
  if (!impl_->come.wait_for(guard, std::min(at_most, duration::max() / 4), has_settled))
    return error{error_kind::timeout, "ticket", "its record has not been settled in the time given"};
  return *impl_->how;
}

void ticket_state::on_settled(callback then) {
  {
    const std::lock_guard guard{impl_->mutex};
    if (!impl_->how) {
      impl_->callbacks.push_back(std::move(then));
      return;
    }
  }
  then(*impl_->how);
}

std::optional<expected<void>> ticket_state::durable() const {
  if (impl_->durable_by == nullptr)
    return expected<void>{why_not_durable()};
  return impl_->durable_by->known(impl_->first_checkpoint);
}

expected<void> ticket_state::wait_durable(duration at_most) const {
  if (impl_->durable_by == nullptr)
    return why_not_durable();
  return impl_->durable_by->wait(impl_->first_checkpoint, at_most);
}

void ticket_state::on_durable(durability::callback then) const {
  if (impl_->durable_by == nullptr)
    then(why_not_durable());
  else
    impl_->durable_by->on_durable(impl_->first_checkpoint, std::move(then));
}

error ticket_state::why_not_durable() const {
  const std::lock_guard guard{impl_->mutex};
  if (!impl_->taken && impl_->how)
    return impl_->how->why;
  return {error_kind::argument, "ticket",
          "its job makes no checkpoints, so no record becomes durable; call "
          "environment::enable_checkpointing"};
}

} // namespace weir
