// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The coroutine form of an async function: it returns `weir::task<Out>`, awaits what it asks, and
/// `co_return`s its results.
///
///     [pool](const std::string& key) -> weir::task<airport> {
///       const auto row = co_await weir::await_callback<airport>([&](auto done) { ... });
///       co_return row;
///     }
///
/// It runs on the operator's thread alone, wherever what it awaits is completed. It lives while its call
/// runs: it is destroyed when it has returned, when the record's timeout passes (before the timeout hook) and
/// when the operator ends; what it awaits then goes on without it. While another library's awaitable is under
/// way it stays, for that may write into it: then it does not go on, and is destroyed when that has ended, on
/// the operator's thread, or where the operator is gone on the thread on which it ended.
///
/// So what is awaited of another library may refer to the coroutine's variables and to parameters that it
/// takes by value. It must not refer to a record that is taken by reference, to captures or to members of the
/// function: these may end before it. All else may: while the coroutine runs they are there.
///
/// A coroutine begins when its call does, which is after the function that made it has returned. So one that a
/// lambda delegates to must not take by reference what that lambda makes for it: in `return find(pool, key +
/// "!")` the string is gone when `find` begins; it takes it by value.
///
/// It may be made of smaller ones, which return `weir::subtask<T>` and are awaited like all else, and may await
/// several things at once: `co_await weir::await_all(...)`.
///
/// g++ 12 destroys temporaries twice that are written into a `co_await` where they are aggregates, or lambdas
/// that capture by value; weir refuses to compile `await_callback` with such a lambda. Name them before.
///
/// `co_return` takes one result, a vector of results, `weir::no_results`, or an error; what it throws is an
/// error of that attempt. tests/operators/task_test.cpp.

#include "weir/await_all.hpp"
#include "weir/awaiting_promise.hpp"
#include "weir/continuation.hpp"
#include "weir/coroutine_call.hpp"
#include "weir/result_future.hpp"
#include "weir/subtask.hpp"
#include "weir/thrown_error.hpp"

#include <coroutine>
#include <exception>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// For `co_return weir::no_results`: the record leaves without output.
struct no_results_t {};
inline constexpr no_results_t no_results{};

/// What a coroutine returns that is an async function.
template <class Out>
class [[nodiscard]] task {
public:
  class promise_type final : public detail::coroutine_call, public detail::awaiting_promise {
  public:
    task get_return_object() noexcept {
      return task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }
    /// Its function destroys it.
    std::suspend_always final_suspend() noexcept { return {}; }

    void return_value(Out result) { done_.complete(std::move(result)); }
    void return_value(std::vector<Out> results) { done_.complete(std::move(results)); }
    void return_value(no_results_t) { done_.complete_empty(); }
    void return_value(error why) { done_.fail(std::move(why)); }

    void unhandled_exception() noexcept { done_.fail(thrown_error("call", "function")); }

    // -- for awaitables and the function --

    call_resumer resumer() override { return done_.resumer(); }
    call_facts facts() const override {
      return {done_.attempt(), done_.deadline(), time_left_, done_.idempotency_key()};
    }
    const waiting_pools& waiting() const override { return done_.waiting(); }

    /// Runs until it ends or waits.
    void begin(result_future<Out> done) noexcept {
      time_left_ = done.time_left();
      done_ = std::move(done);
      const auto self = std::coroutine_handle<promise_type>::from_promise(*this);
      lives_in(self);
      belongs_to(*this, self);
      make_ready(*this);
      run();
    }

    /// Its call is over before it has returned: nothing that it does counts any more.
    void give_up() noexcept {
      done_ = {};
      end();
    }

  private:
    result_future<Out> done_;
    duration time_left_{};
  };

  using handle = std::coroutine_handle<promise_type>;

  task(task&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  task& operator=(task&&) = delete;
  ~task() {
    if (coroutine_)
      coroutine_.destroy();
  }

  /// For operators: the coroutine, which is the caller's to destroy now.
  handle release() noexcept { return std::exchange(coroutine_, nullptr); }

private:
  explicit task(handle of) noexcept : coroutine_(of) {}

  handle coroutine_;
};

} // namespace weir
