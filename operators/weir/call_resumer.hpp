// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Tells an operator, from any thread, that what a coroutine of it awaits may have come.

#include "weir/call_id.hpp"
#include "weir/completion_port.hpp"
#include "weir/time.hpp"

#include <coroutine>
#include <utility>

namespace weir {

/// Belongs to one call. Makes the operator look, once, whether that call's coroutines may go on; does no
/// harm when the call or its operator is gone. Movable; made on the operator's thread, used by one thread
/// at a time.
class call_resumer {
public:
  call_resumer() noexcept = default;

  template <class Out>
  call_resumer(completion_port<Out>& port, const call_id& id, time_point deadline) noexcept
    : port_(&port), id_(id), deadline_(deadline), does_(&actions_on<Out>) {
    port.share();
  }

  call_resumer(call_resumer&& other) noexcept
    : port_(std::exchange(other.port_, nullptr)),
      id_(other.id_),
      deadline_(other.deadline_),
      does_(other.does_) {}

  call_resumer& operator=(call_resumer&& other) noexcept {
    std::swap(port_, other.port_);
    std::swap(id_, other.id_);
    std::swap(deadline_, other.deadline_);
    std::swap(does_, other.does_);
    return *this;
  }

  ~call_resumer() {
    if (port_ != nullptr)
      does_->let_go(port_);
  }

  void resume() {
    if (port_ != nullptr)
      end_with(does_->resume);
  }

  /// In its place: see `result_future::expire`.
  void expire() {
    if (port_ != nullptr)
      end_with(does_->expire);
  }

  /// Whether anybody still waits for the call (`result_future::wanted`).
  bool wanted() const noexcept { return port_ != nullptr && does_->wants(port_, id_, deadline_); }

  /// Destroys what is left of the call, which is over: on the operator's thread, or here where the
  /// operator is gone.
  void destroy(std::coroutine_handle<> left) {
    does_->destroy(port_, id_, left);
    does_->let_go(std::exchange(port_, nullptr));
  }

private:
  /// What it does with a port, whose type it does not know.
  struct actions {
    void (*resume)(void* port, const call_id& id);
    void (*expire)(void* port, const call_id& id);
    void (*destroy)(void* port, const call_id& id, std::coroutine_handle<> left);
    bool (*wants)(const void* port, const call_id& id, time_point deadline) noexcept;
    void (*let_go)(void* port) noexcept;
  };
  template <class Out>
  static constexpr actions actions_on{
    [](void* port, const call_id& id) { static_cast<completion_port<Out>*>(port)->resume(id); },
    [](void* port, const call_id& id) { static_cast<completion_port<Out>*>(port)->expire(id); },
    [](void* port, const call_id& id, std::coroutine_handle<> left) {
      static_cast<completion_port<Out>*>(port)->destroy(id, left);
    },
    [](const void* port, const call_id& id, time_point deadline) noexcept {
      return static_cast<const completion_port<Out>*>(port)->wants(id.slot, deadline);
    },
    [](void* port) noexcept { static_cast<completion_port<Out>*>(port)->let_go(); }};

  void end_with(void (*what)(void*, const call_id&)) {
    what(port_, id_);
    does_->let_go(std::exchange(port_, nullptr));
  }

  void* port_ = nullptr;
  call_id id_;
  time_point deadline_ = time_point::max();
  const actions* does_ = nullptr;
};

} // namespace weir
