// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The handle by which a user's code completes the call for one record: with results, with none, or
/// with an error. Movable; may be completed from any thread, after the timeout, twice, or after the
/// operator is gone: the first completion that comes in time counts, all others do no harm. Completing
/// only hands over: no user code runs and nothing is emitted on the caller's thread. A future that is
/// destroyed without having been completed fails its record with the kind `abandoned`, so a forgotten
/// callback is seen and never hangs. tests/operators/result_future_test.cpp shows each of these.

#include "weir/call_resumer.hpp"
#include "weir/completion_port.hpp"
#include "weir/idempotency_key.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <utility>
#include <vector>

namespace weir {

template <class Out>
class result_future {
public:
  /// A future that belongs to no call; completing it does nothing.
  result_future() noexcept = default;

  /// For operators: the future of call `id`, whose port has given a reference for it.
  result_future(completion_port<Out>& port, const call_id& id, time_point deadline) noexcept
    : port_(&port), id_(id), deadline_(deadline) {}

  result_future(result_future&& other) noexcept
    : port_(std::exchange(other.port_, nullptr)),
      id_(other.id_),
      completed_(other.completed_),
      deadline_(other.deadline_) {}

  result_future& operator=(result_future&& other) noexcept {
    if (this != &other) {
      let_go();
      port_ = std::exchange(other.port_, nullptr);
      id_ = other.id_;
      completed_ = other.completed_;
      deadline_ = other.deadline_;
    }
    return *this;
  }

  [[gnu::always_inline]] ~result_future() { let_go(); }

  /// Completes with one result.
  void complete(Out result) { hand_over(one_result, std::move(result)); }

  /// Completes with any number of results, which stay together and in this order.
  void complete(std::vector<Out> results) {
    hand_over(several_results, std::move(results));
  }

  /// Completes with no result: the record leaves without output, in its turn.
  void complete_empty() { hand_over(no_result); }

  /// Completes with what `supply` gives when the operator asks it, on the operator's thread:
  /// `() -> expected<std::vector<Out>>`. It is asked once, or not at all where the completion comes too
  /// late; what it throws is an error of this attempt.
  void complete_with(supplier<Out> supply) {
    hand_over(supplied_outcome, std::move(supply));
  }

  /// Completes with an error: the retry strategy sees it, then `on_failure`.
  void fail(error why) {
    hand_over(failed_outcome, std::move(why));
  }

  /// 1 for the first call of a record, one more with each retry; in a timeout hook that of the latest
  /// call, 0 where there was none.
  std::uint32_t attempt() const noexcept { return id_.attempt & ~timeout_hook_attempt; }

  /// When the record's timeout passes; `time_point::max()` where it has none.
  time_point deadline() const noexcept { return deadline_; }

  /// What was left of the record's timeout when this call began; `duration::max()` where it has none, 0 in
  /// a timeout hook. Asked inside the call (or hook), on the operator's thread; elsewhere, and later, take
  /// `deadline()`.
  duration time_left() const noexcept {
    if ((id_.attempt & timeout_hook_attempt) != 0)
      return duration{0};
    if (port_ == nullptr || deadline_ == time_point::max())
      return duration::max();
    assert(detail::running_port == port_);
    return std::max(deadline_ - port_->now(), duration{0});
  }

  /// What tells this record's calls from all others, for a store that is to notice one that is repeated. The
  /// same in all calls for the record and in its timeout hook, also after a restore (idempotency_key.hpp). To be
  /// asked inside the call (or hook), on the operator's thread; what it gives may be kept and used anywhere.
  /// @throws std::logic_error elsewhere, and where the operator holds the record no more.
  weir::idempotency_key idempotency_key() const {
    if (port_ == nullptr)
      throw std::logic_error("it belongs to no call, so it has no idempotency key");
    return port_->key_of(id_);
  }

  /// Whether its completion may still count, for a client that would work for nothing otherwise: false once
  /// it has been completed, when the record is over because of its timeout, and when the operator is gone. A
  /// timeout hook may keep a record past its timeout; the hook's own future is wanted while there is an
  /// operator. Takes no lock; it may be too late by the time it is looked at, so it is a hint.
  bool wanted() const noexcept {
    return port_ != nullptr && !completed_ && port_->wants(id_.slot, deadline_);
  }

  // -- for adapters and coroutines --

  /// Nobody waits for the answer any more, since the record's timeout has passed: the record times out now
  /// if it has not yet, and fails as timed out where its hook left it to this call. For an adapter that gives
  /// up; destroying the future in its place could be taken for a failure that came before the timeout.
  void expire() {
    if (port_ != nullptr && !std::exchange(completed_, true))
      port_->expire(id_);
  }

  /// Where the job has futures waited for. On the operator's thread; throws where it belongs to no call.
  const waiting_pools& waiting() const {
    const auto* const pools = port_ == nullptr ? nullptr : port_->waiting();
    if (pools == nullptr)
      throw std::logic_error("it belongs to no call of a running job");
    return *pools;
  }

  /// The entry of the record that it is for.
  std::uint32_t slot() const noexcept { return id_.slot; }

  /// What lets the call's coroutine go on. On the operator's thread; only while it belongs to a call.
  call_resumer resumer() const noexcept { return {*port_, id_, deadline_}; }

private:
  template <outcome_kind Kind, class... Ts>
  void hand_over(outcome_tag<Kind> which, Ts&&... with) {
    if (port_ == nullptr)
      return;
    if (std::exchange(completed_, true))
      port_->ignore();
    else
      port_->complete(id_, which, std::forward<Ts>(with)...);
  }

  [[gnu::always_inline]] void let_go() {
    if (port_ != nullptr)
      leave(*std::exchange(port_, nullptr));
  }

  [[gnu::always_inline]] void leave(completion_port<Out>& port) {
    if (!completed_) [[unlikely]]
      abandon(port);
    port.let_go();
  }

  [[gnu::noinline]] void abandon(completion_port<Out>& port) { port.abandon(id_); }

  /// Null: it belongs to no call, or not any more.
  completion_port<Out>* port_ = nullptr;
  call_id id_;
  bool completed_ = false;
  time_point deadline_ = time_point::max();
};

} // namespace weir
