// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A `std::future` or `std::shared_future` as a `future_waiter` waits for it, with whom its outcome is for.

#include "weir/future_waiter.hpp"

#include <future>
#include <optional>
#include <utility>

namespace weir {

/// `To` is moved in and is told once, on a thread of the waiter's: `to.ready(Future&)`, which may call `get`,
/// or `to.expired()`; or destroyed untold where the waiter ends before. Neither may throw.
template <class Future, class To>
class awaited_std_future final : public awaited_future {
public:
  /// `future` is valid.
  awaited_std_future(Future future, To to) : future_(std::move(future)), to_(std::move(to)) {}

  state wait_for(duration at_most) override {
    switch (future_.wait_for(at_most)) {
      case std::future_status::ready:
        return state::ready;
      case std::future_status::deferred:
        return state::deferred;
      case std::future_status::timeout:
        break;
    }
    return state::pending;
  }

  void take() noexcept override {
    to_->ready(future_);
    to_.reset();
  }

  void expire() noexcept override {
    to_->expired();
    to_.reset();
  }

  void forget() noexcept override { to_.reset(); }

private:
  Future future_;
  std::optional<To> to_;
};

} // namespace weir
