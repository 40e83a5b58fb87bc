// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where the completions of one operator instance come in. Foreign threads put theirs into an inbox
/// behind a mutex that is held for one push, with at most one wake-up under way; completions on the
/// operator's own thread take no lock, and the one of the call that is being made goes into a cell of
/// its own. The operator owns the port; result futures keep it alive past the operator's end.
/// Shown by tests/operators/result_future_test.cpp.

#include "weir/call_id.hpp"
#include "weir/column.hpp"
#include "weir/completion_burst.hpp"
#include "weir/error.hpp"
#include "weir/given_up_calls.hpp"
#include "weir/idempotency_key.hpp"
#include "weir/outcome.hpp"
#include "weir/slot_index.hpp"
#include "weir/time.hpp"
#include "weir/waker.hpp"

#include <algorithm>
#include <atomic>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {

class waiting_pools;

namespace detail {
/// The port whose operator runs on this thread just now.
inline constinit thread_local const void* running_port = nullptr;
} // namespace detail

/// A call id with this bit in its attempt belongs to the timeout hook of a record, not to an attempt.
inline constexpr std::uint32_t timeout_hook_attempt = 0x8000'0000u;

/// A completion with this bit in its attempt is none: the coroutines of that attempt may go on.
inline constexpr std::uint32_t resume_attempt = 0x4000'0000u;

/// A completion with this bit in its attempt is none: nobody waits for that attempt's answer any more.
inline constexpr std::uint32_t expired_attempt = 0x2000'0000u;

template <class Out>
class completion_port {
public:
  /// Tells the operator that something lies in the inbox; called from any thread, under a lock: must not
  /// block nor complete a call.
  using wake_up = std::function<void()>;

  completion_port(const completion_port&) = delete;
  completion_port& operator=(const completion_port&) = delete;

  struct closer {
    void operator()(completion_port* port) const noexcept { port->close(); }
  };
  /// Closes the port; what futures still hold of it lives on until the last is gone.
  using owner = std::unique_ptr<completion_port, closer>;

  /// `waiting`: where calls have futures waited for; outlives the operator. Null: nowhere.
  static owner make(wake_up wake, const waiting_pools* waiting = nullptr) {
    return owner{new completion_port(std::move(wake), waiting)};
  }

  // -- any thread --

  /// Completes with an outcome of this kind, made of `with` in its place.
  template <outcome_kind Kind, class... Ts>
  void complete(const call_id& id, outcome_tag<Kind> which, Ts&&... with) {
    if (detail::running_port != this) {
      complete_from_outside(id, which, std::forward<Ts>(with)...);
    } else if (calling_ && id == call_) {
      cell_.emplace(which, std::forward<Ts>(with)...);
      fill_cell();
    } else {
      own_.emplace_back(id, which, std::forward<Ts>(with)...);
    }
  }

  void abandon(const call_id& id) {
    complete(id, failed_outcome,
             error{error_kind::abandoned, "call",
                   "its result future was destroyed without being completed: complete it on every "
                   "path, and let no callback throw"});
  }

  /// A future has been completed again, which changes nothing.
  void ignore() noexcept { ignored_.fetch_add(1, std::memory_order_relaxed); }

  /// How often that has happened.
  std::uint64_t ignored() const noexcept { return ignored_.load(std::memory_order_relaxed); }

  /// The coroutines of call `id` may go on.
  void resume(call_id id) {
    id.attempt |= resume_attempt;
    complete(id, no_result);
  }

  /// Nobody waits for the answer to call `id` any more, since its record's timeout has passed.
  void expire(call_id id) {
    id.attempt |= expired_attempt;
    complete(id, no_result);
  }

  /// Destroys a coroutine of call `id`, which is over: on the operator's thread, or on this where the operator
  /// is gone.
  void destroy(call_id id, std::coroutine_handle<> left) {
    struct destroyer {
      void operator()(void* of) const noexcept { std::coroutine_handle<>::from_address(of).destroy(); }
    };
    id.attempt |= resume_attempt;
    // A supplier that nobody asks: it is destroyed where the completions that came too late are.
    complete(id, supplied_outcome,
             supplier<Out>{[owned = std::unique_ptr<void, destroyer>{left.address()}] {
               return expected<std::vector<Out>>{std::vector<Out>{}};
             }});
  }

  /// Whether anybody still waits for a call in this slot with this deadline.
  bool wants(slot_index slot, time_point deadline) const noexcept {
    return open_.load(std::memory_order_relaxed) && !given_up_.has(slot, deadline);
  }

  /// A future is gone, and its reference with it.
  void let_go() noexcept {
    if (detail::running_port == this)
      --handed_out_;
    else if (auto* const part = gathered_here())
      ++part->references;
    else
      release(1);
  }

  // -- the operator's thread --

  /// Marks this thread as the operator's for as long as it lives; `now`: the time of all that happens in it.
  class scope {
  public:
    scope(completion_port& port, time_point now) noexcept
      : before_(std::exchange(detail::running_port, &port)) {
      port.now_ = now;
    }
    ~scope() { detail::running_port = before_; }
    scope(const scope&) = delete;
    scope& operator=(const scope&) = delete;

  private:
    const void* before_;
  };

  /// The time of the latest `scope`.
  time_point now() const noexcept { return now_; }

  const waiting_pools* waiting() const noexcept { return waiting_pools_; }

  /// How the operator answers for the keys of its records; `of` throws where it holds the record no more.
  struct key_source {
    const void* machine = nullptr;
    idempotency_key (*of)(const void* machine, const call_id& id) = nullptr;
  };
  /// From now on keys are asked for there: a look-up by who wants one, in place of something with each call.
  void find_keys_in(const key_source& where) noexcept { keys_ = where; }

  /// See `result_future::idempotency_key`. Any thread.
  idempotency_key key_of(const call_id& id) const {
    if (detail::running_port != this || keys_.of == nullptr)
      throw std::logic_error("an idempotency key is asked for inside the call, on the operator's thread; "
                             "whoever needs it later keeps the key");
    return keys_.of(keys_.machine, id);
  }

  /// A call is about to be made: its future takes a reference. Inside a `scope`.
  void begin_call(const call_id& id) noexcept {
    ++handed_out_;
    call_ = id;
    calling_ = true;
  }

  /// Something else than a future takes a reference.
  void share() noexcept { ++handed_out_; }

  /// The call has returned. Null where it was not completed inside; else its outcome, valid until the
  /// next `begin_call`.
  outcome<Out>* end_call() noexcept { return std::exchange(calling_, false) ? nullptr : &cell_; }

  /// Whether other calls were completed on this thread before the one that has just returned: then its
  /// outcome lines up behind theirs, and `drain` gives it.
  bool line_up() {
    if (own_before_cell_ == 0)
      return false;
    own_.emplace_back(call_, std::move(cell_));
    std::rotate(own_.begin() + own_before_cell_, own_.end() - 1, own_.end());
    return true;
  }

  /// The call threw. That completes it, unless it had been completed before, here or from another
  /// thread.
  void fail_call(error why) {
    if (calling_ && is_in_inbox(call_))
      return;
    if (calling_ || cell_.is_abandoned())
      cell_.emplace(failed_outcome, std::move(why));
    if (calling_)
      fill_cell();
  }

  /// The record in this slot, whose timeout has passed, is over while its call runs.
  void give_up(slot_index slot, time_point now) { given_up_.give_up(slot, now); }

  /// The wake-up that was under way has arrived: the next completion from another thread sends one.
  void woken() {
    const std::lock_guard guard{mutex_};
    wake_up_under_way_ = false;
  }

  /// Whether calls were completed on this thread outside of their own call.
  bool has_own() const noexcept { return !own_.empty(); }

  /// Takes what came from other threads, and from this one outside of its own call. `into` is empty.
  void drain(column<completion<Out>>& into) {
    if (waiting_.load(std::memory_order_acquire)) {
      const std::lock_guard guard{mutex_};
      waiting_.store(false, std::memory_order_relaxed);
      std::swap(into, inbox_);
    }
    if (into.empty())
      std::swap(into, own_);
    else
      for (auto& each : own_)
        into.push_back(std::move(each));
    own_.clear();
  }

private:
  /// References that the owner holds and hands out, so that neither side counts atomically for a
  /// call that is completed on the operator's own thread.
  static constexpr std::int64_t stock = std::int64_t{1} << 62;

  completion_port(wake_up wake, const waiting_pools* waiting)
    : waiting_pools_(waiting), wake_(std::move(wake)) {}
  ~completion_port() = default;

  void fill_cell() noexcept {
    calling_ = false;
    own_before_cell_ = own_.size();
  }

  bool is_in_inbox(const call_id& id) {
    const std::lock_guard guard{mutex_};
    return std::any_of(inbox_.begin(), inbox_.end(), [&](const completion<Out>& each) {
      return each.id == id && !each.with.is_abandoned();
    });
  }

  /// What a thread's burst has gathered for this port, which lives as long.
  struct gathered final : detail::gathered {
    explicit gathered(completion_port& of) : detail::gathered(&of), port(of) {
      of.references_.fetch_add(1, std::memory_order_relaxed);
    }
    ~gathered() override { port.release(references + 1); }

    bool hand_over() override {
      if (completions.empty())
        return false;
      // What comes too late is destroyed here, which is user code and may complete other calls.
      column<completion<Out>> taken;
      std::swap(taken, completions);
      port.take_in(taken);
      taken.clear();
      if (completions.empty())
        std::swap(taken, completions);
      return true;
    }

    completion_port& port;
    column<completion<Out>> completions;
    /// Those of futures that have let go.
    std::int64_t references = 0;
  };

  /// Null: nothing is gathered on this thread, or nothing of this port.
  gathered* gathered_here() noexcept {
    auto* const burst = detail::running_burst;
    return burst == nullptr ? nullptr : static_cast<gathered*>(burst->find(this));
  }

  template <outcome_kind Kind, class... Ts>
  void complete_from_outside(const call_id& id, outcome_tag<Kind> which, Ts&&... with) {
    if (detail::running_burst != nullptr) {
      gather(id, which, std::forward<Ts>(with)...);
      return;
    }
    add_to_inbox([&] { inbox_.emplace_back(id, which, std::forward<Ts>(with)...); });
  }

  template <outcome_kind Kind, class... Ts>
  void gather(const call_id& id, outcome_tag<Kind> which, Ts&&... with) {
    auto* part = gathered_here();
    if (part == nullptr)
      part = static_cast<gathered*>(
        &detail::running_burst->add(std::make_unique<gathered>(*this)));
    part->completions.emplace_back(id, which, std::forward<Ts>(with)...);
    if (part->completions.size() >= completion_burst::part)
      part->hand_over();
  }

  void take_in(column<completion<Out>>& all) {
    add_to_inbox([&] {
      if (inbox_.empty())
        std::swap(inbox_, all);
      else
        for (auto& each : all)
          inbox_.push_back(std::move(each));
    });
  }

  template <class Add>
  void add_to_inbox(Add add) {
    bool wakes = false;
    {
      const std::lock_guard guard{mutex_};
      if (!open_.load(std::memory_order_relaxed))
        return;
      add();
      waiting_.store(true, std::memory_order_release);
      wakes = !std::exchange(wake_up_under_way_, true);
    }
    if (wakes)
      wake_.wake();
  }

  void close() noexcept {
    // Destroyed outside the lock: an outcome's destructor is user code.
    column<completion<Out>> left;
    {
      const std::lock_guard guard{mutex_};
      open_.store(false, std::memory_order_relaxed);
      std::swap(left, inbox_);
    }
    wake_.set(nullptr);
    left.clear();
    own_.clear();
    cell_.reset();
    release(stock - handed_out_);
  }

  void release(std::int64_t references) noexcept {
    if (references_.fetch_sub(references, std::memory_order_acq_rel) == references)
      delete this;
  }

  // -- the operator's thread alone --
  std::int64_t handed_out_ = 0;
  time_point now_;
  call_id call_;
  bool calling_ = false;
  outcome<Out> cell_;
  /// How many of `own_` were there when the cell was filled.
  std::size_t own_before_cell_ = 0;
  column<completion<Out>> own_;
  const waiting_pools* const waiting_pools_;
  key_source keys_;

  // -- any thread --
  std::atomic<std::int64_t> references_{stock};
  std::atomic<std::uint64_t> ignored_{0};
  std::atomic<bool> waiting_{false};
  std::mutex mutex_;
  column<completion<Out>> inbox_;
  waker wake_;
  bool wake_up_under_way_ = false;
  /// Written under the lock.
  std::atomic<bool> open_{true};
  given_up_calls given_up_;
};

} // namespace weir
