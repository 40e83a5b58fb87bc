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

} // namespace weir
