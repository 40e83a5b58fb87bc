// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the coroutines of one call share: which of them may run, and what the others await. Part of the
/// call's own coroutine (task.hpp). On the operator's thread, but for `await_state::set_done` and
/// `coroutine_call::let_go`.

#include "weir/call_resumer.hpp"
#include "weir/idempotency_key.hpp"
#include "weir/time.hpp"

#include <atomic>
#include <coroutine>
#include <cstdint>

namespace weir {

class waiting_pools;

/// What `co_await weir::this_call` gives.
struct call_facts {
  /// 1 for the first call of a record, one more with each retry.
  std::uint32_t attempt = 0;
  /// When the record's timeout passes; `time_point::max()` where it has none.
  time_point deadline = time_point::max();
  /// What was left of that timeout when the call began; `duration::max()` where there is none.
  duration time_left = duration::max();
  /// What tells this record's calls from all others (idempotency_key.hpp).
  weir::idempotency_key idempotency_key;
};

namespace detail {

class coroutine_call;

/// The part of a coroutine's promise that its call knows.
class coroutine_frame {
public:
  coroutine_call& call() const noexcept { return *call_; }

protected:
  void belongs_to(coroutine_call& call, std::coroutine_handle<> self) noexcept {
    call_ = &call;
    self_ = self;
  }

private:
  friend coroutine_call;

  coroutine_call* call_ = nullptr;
  std::coroutine_handle<> self_;
  coroutine_frame* next_ready_ = nullptr;
};

/// Whether one await has what it waits for. A resume says only that something may have come, and may be
/// late: this says whether it was for this await.
class await_state {
public:
  /// It has. Any thread; once. Whether anybody still waits.
  bool set_done() noexcept { return stage_.exchange(done, std::memory_order_acq_rel) == waits; }

  bool is_done() const noexcept { return stage_.load(std::memory_order_acquire) == done; }

  /// Nobody waits any more. Whether it was done before.
  bool give_up() noexcept { return stage_.exchange(given_up, std::memory_order_acq_rel) == done; }

private:
  enum stage : std::uint8_t { waits, done, given_up };
  std::atomic<stage> stage_{waits};
};

/// An await in the list of those that wait. Lives in the coroutine that awaits.
struct await_node {
  /// Whether another library goes on with what is awaited, and may use what the coroutine holds meanwhile.
  bool is_foreign = false;
  coroutine_frame* who = nullptr;
  await_state* state = nullptr;
  await_node* next = nullptr;
};

class coroutine_call {
public:
  coroutine_call(const coroutine_call&) = delete;
  coroutine_call& operator=(const coroutine_call&) = delete;

  // -- for awaitables --

  virtual call_resumer resumer() = 0;
  virtual call_facts facts() const = 0;
  /// See `result_future::waiting`.
  virtual const waiting_pools& waiting() const = 0;

  /// `node.who`, which is about to be suspended, goes on when `node.state` is done and the call is told
  /// to look.
  void wait(await_node& node) noexcept {
    node.next = waits_;
    waits_ = &node;
  }

  /// A suspended coroutine runs next.
  void make_ready(coroutine_frame& who) noexcept {
    who.next_ready_ = ready_;
    ready_ = &who;
  }

  // -- for the function --

  /// Runs all that are ready, until each has ended or waits. A loop, so that no coroutine is resumed
  /// inside another, however long their chain is.
  void run() noexcept {
    while (ready_ != nullptr) {
      auto& next = *ready_;
      ready_ = next.next_ready_;
      next.self_.resume();
    }
  }

  /// Looks what has come, and runs those that awaited it.
  void go_on() noexcept {
    for (auto** at = &waits_; *at != nullptr;) {
      auto& node = **at;
      if (node.state->is_done()) {
        *at = node.next;
        make_ready(*node.who);
      } else {
        at = &node.next;
      }
    }
    run();
  }

  /// Ends the call: destroys its coroutines; where other libraries still go on with what they await, the
  /// last of these does, by `let_go`.
  void end() noexcept {
    std::uint32_t foreign = 0;
    for (const auto* each = waits_; each != nullptr; each = each->next)
      foreign += each->is_foreign;
    // One more for this function, so that none is the last before all have been told.
    left_.store(foreign + 1, std::memory_order_relaxed);
    std::uint32_t gone = 1;
    for (auto* each = waits_; each != nullptr; each = each->next)
      if (each->is_foreign && each->state->give_up())
        ++gone;
    if (left_.fetch_sub(gone, std::memory_order_acq_rel) == gone)
      root_.destroy();
  }

  // -- for another library's awaitable, on its thread --

  /// What it went on with has come to its end, after the call. The call's coroutine where it was the last,
  /// to be destroyed; else null.
  std::coroutine_handle<> let_go() noexcept {
    return left_.fetch_sub(1, std::memory_order_acq_rel) == 1 ? root_ : nullptr;
  }

protected:
  coroutine_call() = default;
  ~coroutine_call() = default;

  /// The coroutine in whose promise this is.
  void lives_in(std::coroutine_handle<> root) noexcept { root_ = root; }

private:
  std::coroutine_handle<> root_;
  /// Once the call has ended: of the awaits that other libraries go on with, those that have not come to
  /// their end.
  std::atomic<std::uint32_t> left_{0};
  await_node* waits_ = nullptr;
  coroutine_frame* ready_ = nullptr;
};

} // namespace detail
} // namespace weir
