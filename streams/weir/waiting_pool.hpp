// SPDX-License-Identifier: Apache-2.0
#pragma once

/// For clients that give a `std::future` and nothing better: a few threads of the job's own that wait for
/// any number of them, since waiting inside a call would hold the operator's thread. The environment makes a
/// `waiting_pool`, functions keep copies; all copies name the same threads.
///
///     const auto waits = env.waiting_pool({.name = "futures", .threads = 4});
///
///     [waits](const std::string& key, weir::result_future<airport> done) {
///       waits.complete_from(client().find(key), std::move(done));
///     }
///     [waits](const std::string& key) -> weir::task<airport> {
///       co_return co_await waits.await(client().find(key));
///     }
///
/// A `std::future` or `std::shared_future` may be given, also a deferred one, whose function then runs on a
/// thread of the pool. It is found ready some ten microseconds late to an eighth of the time that it took,
/// and never more than 10 ms; a client with callbacks is quicker and costs less. Past the record's timeout it is
/// given up. It is never destroyed before it is ready, since the destructor of one that `std::async` gave
/// would wait for that; one that is never ready stays. (That holds for futures that were given to the pool. One
/// that a coroutine still holds when it ends is destroyed on the operator's thread: await what you have asked
/// for before you ask for more.) Under `weir::testing` there are no threads: futures are looked at whenever the
/// clock runs. tests/streams/waiting_pool_test.cpp.

#include "weir/awaited_std_future.hpp"
#include "weir/complete_as.hpp"
#include "weir/error.hpp"
#include "weir/function_context.hpp"
#include "weir/result_future.hpp"
#include "weir/task.hpp"
#include "weir/thrown_error.hpp"
#include "weir/waiting_pools.hpp"

#include <coroutine>
#include <cstdint>
#include <exception>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir {

namespace detail {

/// What a future of the standard library gives.
template <class Future>
struct std_future_value;
template <class T>
struct std_future_value<std::future<T>> {
  using type = T;
};
template <class T>
struct std_future_value<std::shared_future<T>> {
  using type = T;
};
template <class Future>
using std_future_value_t = typename std_future_value<Future>::type;

/// Completes a call with what a future gives.
template <class Out>
struct completes_call {
  result_future<Out> done;

  template <class Future>
  void ready(Future& of) {
    using type = std_future_value_t<Future>;
    try {
      if constexpr (std::is_void_v<type>) {
        of.get();
        done.complete_empty();
      } else {
        complete_as(done, type(of.get()));
      }
    } catch (...) {
      done.fail(thrown_error("call", "future"));
    }
  }

  void expired() { done.expire(); }
};

/// Lets a coroutine go on with what a future gives.
template <class T>
struct continues_coroutine {
  continuation<T> then;

  template <class Future>
  void ready(Future& of) {
    try {
      if constexpr (std::is_void_v<T>) {
        of.get();
        then();
      } else {
        then(T(of.get()));
      }
    } catch (...) {
      then.fail(std::current_exception());
    }
  }

  void expired() { then.expire(); }
};

inline error no_future() {
  return {error_kind::argument, "waiting pool",
          "the future that it is to wait for has no shared state: it was moved from, or made empty"};
}

template <class Future>
class std_future_awaitable : public continuation_awaitable<std_future_value_t<Future>> {
  using value = std_future_value_t<Future>;

public:
  std_future_awaitable(const pool_id& in, Future future) : pool_(in), future_(std::move(future)) {}

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    if (!future_.valid())
      throw call_failed{no_future()};
    auto& who = waits.promise();
    auto& waiter = who.call().waiting().find(pool_);
    this->wait(who, [&](continuation<value> then) {
      using awaited = awaited_std_future<Future, continues_coroutine<value>>;
      waiter.wait_for(
        std::make_unique<awaited>(std::move(future_), continues_coroutine<value>{std::move(then)}),
        who.call().facts().deadline);
    });
  }

private:
  pool_id pool_;
  Future future_;
};

} // namespace detail

class waiting_pool {
public:
  /// Completes the call with what the future gives: a result, a `std::vector` of results (perhaps empty),
  /// nothing where it is a future of `void`, an `expected` of these; and what it throws as an error: that
  /// of a `weir::call_failed`, else one of the kind `exception`. Inside the call or the timeout hook, on the
  /// operator's thread. Throws where the pool was made by another environment.
  template <class T, class Out>
  void complete_from(std::future<T> future, result_future<Out> done) const {
    complete(std::move(future), std::move(done));
  }
  template <class T, class Out>
  void complete_from(std::shared_future<T> future, result_future<Out> done) const {
    complete(std::move(future), std::move(done));
  }

  /// Awaits the future's value; what it throws comes out of the `co_await`. In a coroutine that is an async
  /// function.
  template <class T>
  auto await(std::future<T> future) const {
    return detail::std_future_awaitable<std::future<T>>{id(), std::move(future)};
  }
  template <class T>
  auto await(std::shared_future<T> future) const {
    return detail::std_future_awaitable<std::shared_future<T>>{id(), std::move(future)};
  }

private:
  friend class environment;

  waiting_pool(std::shared_ptr<const int> identity, std::uint32_t number) noexcept
    : identity_(std::move(identity)), number_(number) {}

  pool_id id() const noexcept { return {number_, identity_.get()}; }

  template <class Future, class Out>
  void complete(Future future, result_future<Out> done) const {
    if (!future.valid()) {
      done.fail(detail::no_future());
      return;
    }
    const auto deadline = done.deadline();
    auto& waiter = done.waiting().find(id());
    using awaited = awaited_std_future<Future, detail::completes_call<Out>>;
    waiter.wait_for(std::make_unique<awaited>(std::move(future),
                                              detail::completes_call<Out>{std::move(done)}),
                    deadline);
  }

  /// What tells the environment from others, which nobody reads.
  std::shared_ptr<const int> identity_;
  std::uint32_t number_;
};

} // namespace weir
