// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How a coroutine awaits what a callback gives. What the callback gets, a `continuation`, may be called
/// from any thread; all else on the operator's.

#include "weir/call_resumer.hpp"
#include "weir/coroutine_call.hpp"
#include "weir/error.hpp"
#include "weir/thrown_error.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

namespace detail {

/// What is thrown out of an await whose answer never comes.
inline std::exception_ptr nobody_answered() {
  return std::make_exception_ptr(call_failed{
    {error_kind::abandoned, "coroutine", "what it awaits was destroyed without an answer"}});
}

/// What a continuation writes, and its await reads.
template <class T>
struct continuation_state : await_state {
  std::optional<T> value;
  std::exception_ptr thrown;
};

} // namespace detail

/// Lets a coroutine go on with a `T`. Movable; called once, from any thread, also when the coroutine is
/// gone. Destroyed without having been called, it makes the coroutine go on with an exception, which
/// fails its call with the kind `abandoned`.
template <class T>
class continuation {
public:
  continuation() noexcept = default;
  continuation(continuation&&) noexcept = default;
  continuation& operator=(continuation&& other) noexcept {
    if (this != &other) {
      give_up();
      state_ = std::move(other.state_);
      resume_ = std::move(other.resume_);
    }
    return *this;
  }
  ~continuation() { give_up(); }

  void operator()(T result) {
    if (state_ == nullptr)
      return;
    state_->value.emplace(std::move(result));
    go_on();
  }

  /// Makes the coroutine go on with an exception.
  void fail(std::exception_ptr thrown) {
    if (state_ == nullptr)
      return;
    state_->thrown = std::move(thrown);
    go_on();
  }

  /// Whether somebody may still need it: false once it has been called, when the record has timed out, and
  /// when the operator is gone (`result_future::wanted`).
  bool wanted() const noexcept { return resume_.wanted(); }

  // -- for awaitables --

  /// In its place: nobody waits for the answer any more, since the record's timeout has passed.
  void expire() {
    if (std::exchange(state_, nullptr) != nullptr)
      std::exchange(resume_, {}).expire();
  }

  continuation(std::shared_ptr<detail::continuation_state<T>> to, call_resumer resume) noexcept
    : state_(std::move(to)), resume_(std::move(resume)) {}

private:
  void give_up() {
    if (state_ != nullptr)
      fail(detail::nobody_answered());
  }

  void go_on() {
    state_->set_done();
    state_ = nullptr;
    std::exchange(resume_, {}).resume();
  }

  std::shared_ptr<detail::continuation_state<T>> state_;
  call_resumer resume_;
};

/// Lets a coroutine go on with nothing but that.
template <>
class continuation<void> : private continuation<std::monostate> {
  using base = continuation<std::monostate>;

public:
  using base::base;
  using base::expire;
  using base::fail;
  using base::wanted;
  void operator()() { base::operator()({}); }
};

namespace detail {

/// Base of awaitables whose coroutine goes on through a continuation.
template <class T>
class continuation_awaitable {
public:
  using goes_on_by_itself = void;

  bool await_ready() const noexcept { return false; }

  T await_resume() {
    if (state_->thrown)
      std::rethrow_exception(state_->thrown);
    if constexpr (!std::is_void_v<T>)
      return *std::move(state_->value);
  }

protected:
  /// Gives `start` the continuation with which coroutine `who` goes on.
  template <class Start>
  void wait(coroutine_frame& who, Start&& start) {
    auto& call = who.call();
    state_ = std::make_shared<state>();
    start(continuation<T>{state_, call.resumer()});
    // Only now: where `start` throws, the coroutine is past this await, whatever became of the continuation.
    node_.who = &who;
    node_.state = state_.get();
    call.wait(node_);
  }

private:
  using state = continuation_state<std::conditional_t<std::is_void_v<T>, std::monostate, T>>;

  std::shared_ptr<state> state_;
  await_node node_;
};

/// Awaits what `start` begins.
template <class T, class Start>
class callback_awaitable : public continuation_awaitable<T> {
public:
  explicit callback_awaitable(Start start) : start_(std::move(start)) {}

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    this->wait(waits.promise(), start_);
  }

private:
  Start start_;
};

/// One whose `start` may have been written into the `co_await`, where a bug of g++ 12 destroys it twice.
template <class T, class Start>
class written_callback_awaitable : public callback_awaitable<T, Start> {
public:
  using callback_awaitable<T, Start>::callback_awaitable;

#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
  static constexpr bool is_destroyed_twice = !std::is_trivially_destructible_v<Start>;
#endif
};

} // namespace detail

/// Awaits a `T` that a callback gives, or with `void` only that it is called: `start` gets a
/// `continuation<T>`, which is called with it from any thread. This is how a coroutine asks a client library
/// that takes callbacks. What `start` throws comes out of the await.
template <class T, class Start>
auto await_callback(Start start) {
  return detail::written_callback_awaitable<T, Start>{std::move(start)};
}

} // namespace weir
