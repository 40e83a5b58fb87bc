// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A coroutine that another one awaits, so that an async function may be made of smaller ones. It belongs to
/// the call of the coroutine that awaits it, and runs on the operator's thread alone.

#include "weir/awaiting_promise.hpp"
#include "weir/coroutine_call.hpp"

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

namespace weir {

namespace detail {

/// A coroutine that goes on when so many subtasks have ended.
struct join {
  coroutine_frame* who = nullptr;
  std::size_t open = 1;
};

class subtask_promise_base : public awaiting_promise {
public:
  std::suspend_always initial_suspend() noexcept { return {}; }

  auto final_suspend() noexcept {
    struct ends {
      join& of;
      coroutine_call& in;
      bool await_ready() const noexcept { return false; }
      void await_suspend(std::coroutine_handle<>) const noexcept {
        if (--of.open == 0)
          in.make_ready(*of.who);
      }
      void await_resume() const noexcept {}
    };
    return ends{*join_, call()};
  }

  void unhandled_exception() noexcept { thrown_ = std::current_exception(); }

protected:
  /// It runs next, as part of `call`; when it ends, `with` knows.
  void begin_as(std::coroutine_handle<> self, coroutine_call& call, join& with) noexcept {
    belongs_to(call, self);
    join_ = &with;
    call.make_ready(*this);
  }

  void rethrow() const {
    if (thrown_)
      std::rethrow_exception(thrown_);
  }

private:
  join* join_ = nullptr;
  std::exception_ptr thrown_;
};

template <class T>
class subtask_promise : public subtask_promise_base {
public:
  template <class U = T>
  requires std::constructible_from<T, U>
  void return_value(U&& result) {
    result_.emplace(std::forward<U>(result));
  }

  T take() {
    rethrow();
    return *std::move(result_);
  }

private:
  std::optional<T> result_;
};

template <>
class subtask_promise<void> : public subtask_promise_base {
public:
  void return_void() noexcept {}
  void take() const { rethrow(); }
};

} // namespace detail

/// What a coroutine returns that another one awaits: `const auto row = co_await find(pool, key);`. It may
/// await all that a `weir::task` may, other subtasks included, to any depth. It starts when it is awaited, once,
/// which is often after its call: references that it was given must still be good then, so an argument that is
/// made for it is taken by value. What it throws comes out of the await. It ends with the coroutine that awaits
/// it, at the latest.
template <class T = void>
class [[nodiscard]] subtask {
  static_assert(!std::is_reference_v<T>, "a subtask gives a value; give a pointer where that is what is meant");

public:
  using goes_on_by_itself = void;

  class promise_type : public detail::subtask_promise<T> {
  public:
    subtask get_return_object() noexcept { return subtask{handle::from_promise(*this)}; }

    void begin(detail::coroutine_call& call, detail::join& with) noexcept {
      this->begin_as(handle::from_promise(*this), call, with);
    }
  };

  subtask(subtask&& other) noexcept : coroutine_(std::exchange(other.coroutine_, nullptr)) {}
  subtask& operator=(subtask&& other) noexcept {
    std::swap(coroutine_, other.coroutine_);
    return *this;
  }
  ~subtask() {
    if (coroutine_)
      coroutine_.destroy();
  }

  auto operator co_await() && noexcept { return awaiter{promise(), {}}; }

  /// For awaitables.
  promise_type& promise() const noexcept { return coroutine_.promise(); }

private:
  using handle = std::coroutine_handle<promise_type>;

  struct awaiter {
    promise_type& of;
    detail::join with;

    bool await_ready() const noexcept { return false; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> waits) noexcept {
      with.who = &waits.promise();
      of.begin(waits.promise().call(), with);
    }
    T await_resume() { return of.take(); }
  };

  explicit subtask(handle of) noexcept : coroutine_(of) {}

  handle coroutine_;
};

} // namespace weir
