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
/// It runs on the operator's thread alone, wherever what it awaits is completed. A coroutine lives while
/// its call runs: it is destroyed when it has returned, when the record's timeout passes (before the
/// timeout hook) and when the operator ends; what it awaits then goes on without it. It may take its
/// record by reference. `co_return` takes one result, a vector of results, `weir::no_results`, or an
/// error; what it throws is an error of that attempt. tests/operators/task_test.cpp.

#include "weir/result_future.hpp"

#include <coroutine>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// For `co_return weir::no_results`: the record leaves without output.
struct no_results_t {};
inline constexpr no_results_t no_results{};

/// An error as an exception: what a coroutine throws to fail its call with a kind of its own.
class call_failed : public std::exception {
public:
  explicit call_failed(error why) : why_(std::move(why)), text_(why_.text()) {}
  const error& why() const noexcept { return why_; }
  const char* what() const noexcept override { return text_.c_str(); }

private:
  error why_;
  std::string text_;
};

/// What `co_await weir::this_call` gives.
struct call_facts {
  /// 1 for the first call of a record, one more with each retry.
  std::uint32_t attempt = 0;
  /// When the record's timeout passes; `time_point::max()` where it has none.
  time_point deadline = time_point::max();
  /// What was left of that timeout when the call began; `duration::max()` where there is none.
  duration time_left = duration::max();
};
struct this_call_t {};
inline constexpr this_call_t this_call{};

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

  // -- for awaitables --

  /// In its place: nobody waits for the answer any more, since the record's timeout has passed.
  void expire() {
    if (std::exchange(state_, nullptr) != nullptr)
      std::exchange(resume_, {}).expire();
  }

  struct state {
    std::optional<T> value;
    std::exception_ptr thrown;
  };

  continuation(std::shared_ptr<state> to, call_resumer resume) noexcept
    : state_(std::move(to)), resume_(std::move(resume)) {}

private:
  void give_up() {
    if (state_ != nullptr)
      fail(std::make_exception_ptr(call_failed{
        {error_kind::abandoned, "coroutine", "what it awaits was destroyed without an answer"}}));
  }

  void go_on() {
    state_ = nullptr;
    std::exchange(resume_, {}).resume();
  }

  std::shared_ptr<state> state_;
  call_resumer resume_;
};

namespace detail {

/// Awaits what `start` begins.
template <class T, class Start>
class callback_awaitable {
public:
  using goes_on_by_itself = void;

  explicit callback_awaitable(Start start) : start_(std::move(start)) {}

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    state_ = std::make_shared<typename continuation<T>::state>();
    start_(continuation<T>{state_, waits.promise().resumer()});
  }

  T await_resume() {
    if (state_->thrown)
      std::rethrow_exception(state_->thrown);
    return *std::move(state_->value);
  }

private:
  Start start_;
  std::shared_ptr<typename continuation<T>::state> state_;
};

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
class foreign_awaitable {
public:
  using result = await_result_t<A>;
  using value = std::conditional_t<std::is_void_v<result>, nothing, std::remove_cvref_t<result>>;

  explicit foreign_awaitable(A what) : what_(std::move(what)) {}

  bool await_ready() const noexcept { return false; }

  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> waits) {
    state_ = std::make_shared<typename continuation<value>::state>();
    bridge::await<value>(std::move(what_), continuation<value>{state_, waits.promise().resumer()});
  }

  auto await_resume() {
    if (state_->thrown)
      std::rethrow_exception(state_->thrown);
    if constexpr (!std::is_void_v<result>)
      return *std::move(state_->value);
  }

private:
  A what_;
  std::shared_ptr<typename continuation<value>::state> state_;
};

/// Whether an awaitable lets the coroutine go on through its call's resumer: those that have a type
/// `goes_on_by_itself`.
template <class T>
concept own_awaitable = requires { typename T::goes_on_by_itself; };

/// Knows the coroutines whose calls run.
class coroutine_registry {
public:
  virtual void forget(std::uint32_t slot) noexcept = 0;

protected:
  ~coroutine_registry() = default;
};

} // namespace detail

/// Awaits a `T` that a callback gives: `start` gets a `continuation<T>`, which is called with it from any
/// thread. This is how a coroutine asks a client library that takes callbacks.
template <class T, class Start>
auto await_callback(Start start) {
  return detail::callback_awaitable<T, Start>{std::move(start)};
}

/// What a coroutine returns that is an async function.
template <class Out>
class [[nodiscard]] task {
public:
  class promise_type {
  public:
    task get_return_object() noexcept {
      return task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() noexcept { return {}; }

    auto final_suspend() noexcept {
      struct destroyer {
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<promise_type> ended) noexcept {
          if (auto* const in = ended.promise().registry_)
            in->forget(ended.promise().slot_);
          ended.destroy();
        }
        void await_resume() const noexcept {}
      };
      return destroyer{};
    }

    void return_value(Out result) { done_.complete(std::move(result)); }
    void return_value(std::vector<Out> results) { done_.complete(std::move(results)); }
    void return_value(no_results_t) { done_.complete_empty(); }
    void return_value(error why) { done_.fail(std::move(why)); }

    void unhandled_exception() noexcept {
      try {
        throw;
      } catch (const call_failed& failed) {
        done_.fail(failed.why());
      } catch (const std::exception& thrown) {
        done_.fail({error_kind::exception, "call", std::string{"its function threw: "} + thrown.what()});
      } catch (...) {
        done_.fail({error_kind::exception, "call",
                    "its function threw: something that is no std::exception"});
      }
    }

    template <class A>
    auto await_transform(A&& what) {
      using awaited = std::remove_cvref_t<A>;
      if constexpr (detail::own_awaitable<awaited>)
        return awaited{std::forward<A>(what)};
      else
        return detail::foreign_awaitable<awaited>{std::forward<A>(what)};
    }

    auto await_transform(this_call_t) noexcept {
      struct at_once {
        call_facts facts;
        bool await_ready() const noexcept { return true; }
        void await_suspend(std::coroutine_handle<>) const noexcept {}
        call_facts await_resume() const noexcept { return facts; }
      };
      return at_once{facts()};
    }

    // -- for awaitables and the function --

    call_resumer resumer() { return done_.resumer(); }
    call_facts facts() const noexcept { return {done_.attempt(), done_.deadline(), time_left_}; }

    void begin(result_future<Out> done, detail::coroutine_registry& in, std::uint32_t slot) noexcept {
      time_left_ = done.time_left();
      done_ = std::move(done);
      registry_ = &in;
      slot_ = slot;
    }

  private:
    result_future<Out> done_;
    duration time_left_{};
    detail::coroutine_registry* registry_ = nullptr;
    std::uint32_t slot_ = 0;
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
