// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lets a coroutine await another library's awaitables, which go on wherever that library says. What the
/// coroutine holds stays where it is until they have: a coroutine whose call ends meanwhile is not destroyed
/// before (`coroutine_call::end`).

#include "weir/continuation.hpp"
#include "weir/coroutine_call.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::detail {

template <class A>
decltype(auto) awaiter_of(A&& of) {
  if constexpr (requires { std::forward<A>(of).operator co_await(); })
    return std::forward<A>(of).operator co_await();
  else if constexpr (requires { operator co_await(std::forward<A>(of)); })
    return operator co_await(std::forward<A>(of));
  else
    return std::forward<A>(of);
}

template <class A>
using await_result_t = decltype(awaiter_of(std::declval<A>()).await_resume());

/// The end of an await, wherever that comes: it lets the coroutine go on, or destroys what is left of a call
/// that has ended meanwhile. Destroyed before `finish`, it makes the coroutine go on with an exception.
class foreign_end {
public:
  foreign_end(coroutine_call& call, await_state& state, std::exception_ptr& thrown)
    : call_(&call), state_(&state), thrown_(&thrown), resume_(call.resumer()) {}

  foreign_end(foreign_end&& other) noexcept
    : call_(other.call_),
      state_(std::exchange(other.state_, nullptr)),
      thrown_(other.thrown_),
      resume_(std::move(other.resume_)) {}

  ~foreign_end() {
    if (state_ == nullptr)
      return;
    *thrown_ = nobody_answered();
    finish();
  }

  void finish() {
    // Done, the coroutine may be destroyed at any moment: nothing in it is touched any more.
    if (std::exchange(state_, nullptr)->set_done())
      resume_.resume();
    else if (const auto left = call_->let_go())
      resume_.destroy(left);
  }

private:
  coroutine_call* call_;
  await_state* state_;
  std::exception_ptr* thrown_;
  call_resumer resume_;
};

/// A coroutine that owns itself: it awaits another library's awaitable in the place of the user's coroutine,
/// which runs on the operator's thread alone.
struct bridge {
  struct promise_type {
    bridge get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  template <class A, class T>
  static bridge await(std::add_pointer_t<A> what, std::optional<T>& value, std::exception_ptr& thrown,
                      foreign_end end) {
    try {
      using result = await_result_t<A>;
      if constexpr (std::is_void_v<result>) {
        co_await static_cast<A&&>(*what);
      } else if constexpr (std::is_lvalue_reference_v<result>) {
        auto& got = co_await static_cast<A&&>(*what);
        value.emplace(std::addressof(got));
      } else {
        value.emplace(co_await static_cast<A&&>(*what));
      }
    } catch (...) {
      thrown = std::current_exception();
    }
    end.finish();
  }
};

/// `A`: as it was awaited, a reference where that was an lvalue. It stays where it is, in the coroutine.
template <class A>
class foreign_awaitable {
public:
  using result = await_result_t<A>;

  explicit foreign_awaitable(A&& what) noexcept : what_(&what) {}

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    auto& who = waits.promise();
    auto& call = who.call();
    bridge::await<A>(what_, value_, thrown_, foreign_end{call, state_, thrown_});
    node_.who = &who;
    node_.state = &state_;
    node_.is_foreign = true;
    call.wait(node_);
  }

  result await_resume() {
    if (thrown_)
      std::rethrow_exception(thrown_);
    if constexpr (std::is_lvalue_reference_v<result>)
      return **value_;
    else if constexpr (!std::is_void_v<result>)
      return *std::move(value_);
  }

private:
  /// What a reference refers to stays the library's.
  using value = std::conditional_t<
    std::is_void_v<result>, std::monostate,
    std::conditional_t<std::is_lvalue_reference_v<result>, std::add_pointer_t<result>,
                       std::remove_cvref_t<result>>>;

  std::add_pointer_t<A> what_;
  std::optional<value> value_;
  std::exception_ptr thrown_;
  await_state state_;
  await_node node_;
};

} // namespace weir::detail
