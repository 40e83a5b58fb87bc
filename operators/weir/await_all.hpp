// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Awaits several things at the same time, for instance the answers of two stores. In a coroutine that is an
/// async function or a part of one; on the operator's thread.

#include "weir/awaiting_promise.hpp"
#include "weir/foreign_awaitable.hpp"
#include "weir/subtask.hpp"

#include <coroutine>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir {

namespace detail {

template <class A>
using one_of_all_t = std::conditional_t<std::is_void_v<await_result_t<A>>, std::monostate,
                                        std::remove_cvref_t<await_result_t<A>>>;

/// Awaits one of them.
template <class A>
subtask<one_of_all_t<A>> await_one(std::remove_reference_t<A>& what) {
  // A callback's awaitable is none that is written into this `co_await`.
  using as = std::conditional_t<destroyed_twice<A>, A&, A&&>;
  if constexpr (std::is_void_v<await_result_t<A>>) {
    co_await static_cast<as>(what);
    co_return std::monostate{};
  } else {
    co_return co_await static_cast<as>(what);
  }
}

/// `As`: references where they were given as lvalues.
template <class... As>
class all_awaitable {
public:
  using goes_on_by_itself = void;
  using result = std::tuple<one_of_all_t<As>...>;

  static constexpr bool is_destroyed_twice = (destroyed_twice<As> || ...);

  explicit all_awaitable(As&&... all) : all_(std::forward<As>(all)...) {}

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    with_ = {&waits.promise(), sizeof...(As)};
    begin(waits.promise().call(), std::index_sequence_for<As...>{});
  }

  result await_resume() { return take(std::index_sequence_for<As...>{}); }

private:
  template <std::size_t... I>
  void begin(coroutine_call& call, std::index_sequence<I...>) {
    branches_.emplace(await_one<As>(std::get<I>(all_))...);
    // What is made ready last runs first.
    (std::get<sizeof...(I) - 1 - I>(*branches_).promise().begin(call, with_), ...);
  }

  template <std::size_t... I>
  result take(std::index_sequence<I...>) {
    return result{std::get<I>(*branches_).promise().take()...};
  }

  std::tuple<As...> all_;
  join with_;
  std::optional<std::tuple<subtask<one_of_all_t<As>>...>> branches_;
};

} // namespace detail

/// Awaits all of them at once, each begun in this order: subtasks, and whatever else may be awaited. Gives a
/// `std::tuple` of their results, a `std::monostate` where one has none. It goes on when all have ended; where
/// some have thrown, with what the first of these in this order threw. Lvalues are awaited where they are.
template <class... As>
requires(sizeof...(As) > 0)
auto await_all(As&&... all) {
  (detail::check_combinable<As>(), ...);
  return detail::all_awaitable<As...>{std::forward<As>(all)...};
}

} // namespace weir
