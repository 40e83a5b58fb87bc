// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the coroutines of a call may await, and how: the base of their promises. On the operator's thread.

#include "weir/coroutine_call.hpp"
#include "weir/foreign_awaitable.hpp"

#include <coroutine>
#include <type_traits>
#include <utility>

namespace weir {

struct this_call_t {};
/// `co_await weir::this_call` gives the `call_facts` of the call at hand, at once.
inline constexpr this_call_t this_call{};

template <class Out>
class task;
template <class T>
class subtask;

namespace detail {

/// Whether an awaitable lets its coroutine go on through the coroutine's call: those that have a type
/// `goes_on_by_itself`.
template <class T>
concept own_awaitable = requires { typename T::goes_on_by_itself; };

template <class T>
inline constexpr bool is_task = false;
template <class Out>
inline constexpr bool is_task<task<Out>> = true;
template <class T>
inline constexpr bool is_subtask = false;
template <class T>
inline constexpr bool is_subtask<subtask<T>> = true;

/// Whether this compiler destroys what the awaitable holds twice where it is written into the `co_await`.
template <class T>
concept destroyed_twice = requires { requires T::is_destroyed_twice; };

/// An awaitable of weir's, where it is: g++ 12 copies one that `await_transform` returns as a reference.
template <class A>
struct awaited_in_place {
  A* of;
  bool await_ready() const noexcept { return of->await_ready(); }
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) const {
    of->await_suspend(waits);
  }
  auto await_resume() const { return of->await_resume(); }
};

/// Says what is wrong with awaiting an `A`, a reference where it is an lvalue, also together with others.
template <class A>
constexpr void check_combinable() {
  static_assert(!is_task<std::remove_cvref_t<A>>,
                "a weir::task is an async function's own: a coroutine that another one awaits returns a "
                "weir::subtask");
  static_assert(!is_subtask<std::remove_cvref_t<A>> || !std::is_lvalue_reference_v<A>,
                "a weir::subtask is awaited once, as an rvalue: co_await std::move(it)");
}

template <class A>
constexpr void check_awaitable() {
  check_combinable<A>();
  static_assert(!destroyed_twice<A>,
                "g++ 12 destroys the captures of a lambda twice that is written into a co_await: capture by "
                "reference, or name the awaitable first: auto it = weir::await_callback<T>(...); co_await it");
}

class awaiting_promise : public coroutine_frame {
public:
  template <class A>
  auto await_transform(A&& what) {
    check_awaitable<A>();
    if constexpr (is_subtask<std::remove_cvref_t<A>>)
      return std::forward<A>(what).operator co_await();
    else if constexpr (own_awaitable<std::remove_cvref_t<A>>)
      return awaited_in_place<std::remove_reference_t<A>>{&what};
    else
      return foreign_awaitable<A>{std::forward<A>(what)};
  }

  auto await_transform(this_call_t) {
    struct at_once {
      call_facts facts;
      bool await_ready() const noexcept { return true; }
      void await_suspend(std::coroutine_handle<>) const noexcept {}
      call_facts await_resume() const noexcept { return facts; }
    };
    return at_once{call().facts()};
  }
};

} // namespace detail
} // namespace weir
