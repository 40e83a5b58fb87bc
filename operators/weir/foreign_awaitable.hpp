// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lets a coroutine await another library's awaitables, which go on wherever that library says.

#include "weir/continuation.hpp"
#include "weir/coroutine_call.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

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

/// What stands for the result of an awaitable that has none.
struct nothing {};

/// A coroutine that owns itself: it awaits another library's awaitable on whichever thread that goes on,
/// so that the user's coroutine need not be there any more.
struct bridge {
  struct promise_type {
    bridge get_return_object() noexcept { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() noexcept {}
    void unhandled_exception() noexcept { std::terminate(); }
  };

  template <class T, class A>
  static bridge await(A what, continuation<T> then) {
    std::exception_ptr thrown;
    try {
      if constexpr (std::is_same_v<T, nothing>) {
        co_await std::move(what);
        then(nothing{});
      } else {
        then(co_await std::move(what));
      }
    } catch (...) {
      thrown = std::current_exception();
    }
    if (thrown)
      then.fail(std::move(thrown));
  }
};

template <class A>
using foreign_value_t = std::conditional_t<std::is_void_v<await_result_t<A>>, nothing,
                                           std::remove_cvref_t<await_result_t<A>>>;

template <class A>
class foreign_awaitable : private continuation_awaitable<foreign_value_t<A>> {
  using base = continuation_awaitable<foreign_value_t<A>>;

public:
  explicit foreign_awaitable(A what) : what_(std::move(what)) {}

  using base::await_ready;

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    this->wait(waits.promise(), [&](continuation<foreign_value_t<A>> then) {
      bridge::await(std::move(what_), std::move(then));
    });
  }

  await_result_t<A> await_resume() {
    if constexpr (std::is_void_v<await_result_t<A>>)
      base::await_resume();
    else
      return base::await_resume();
  }

private:
  A what_;
};

} // namespace weir::detail
