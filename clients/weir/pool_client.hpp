// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The handle through which one operator instance asks a client pool. The user's function asks and
/// gets its callback run later; the shell around the operator sends what was asked, one message for
/// many questions and never more than the pool has granted, and hands in the results. It belongs to
/// the operator instance and is touched on that operator's thread alone; it knows neither actors nor
/// threads nor a clock. Shown by tests/clients/pool_client_test.cpp.

#include "weir/deadline_heap.hpp"
#include "weir/error.hpp"
#include "weir/question.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace weir {

/// What one operator instance has asked of one pool. Each callback is called at most once: with the
/// result, with the error of `fail_all`, or never, where the question's deadline passed first.
class pool_client {
public:
  /// Gets the answer or the error. May ask again.
  using callback = unique_function<void(expected<answer>)>;

  pool_client() = default;
  pool_client(const pool_client&) = delete;
  pool_client& operator=(const pool_client&) = delete;

  // -- the function's side --

  /// Asks. `then` runs on the operator's thread, never inside `ask`. Past `deadline` it is destroyed
  /// without being called; `time_point::max()` = never. `then` must not be empty.
  void ask(statement_id statement, std::vector<value> arguments, time_point deadline,
           callback then);

  // -- the shell's side --

  /// `calls` more questions may be sent.
  void grant(std::size_t calls) noexcept { credit_ += calls; }

  /// Whether there is something to send and credit for it.
  bool has_requests() const noexcept { return waiting_ > 0 && credit_ > 0; }

  /// What may be sent now, in the order of asking; uses up its credit. The rest waits inside.
  std::vector<question> take_requests();

  /// Runs the callbacks of `results` and takes the outcomes out of them. A question that the driver
  /// cancelled because of its deadline is not answered with that: its record is timing out, and has the
  /// last word when `expire` is told so. Each gives its credit back;
  /// results that nothing is known of are left out and counted. A callback that throws does not keep
  /// the others from running; the first exception comes out when all have. Not to be called by a
  /// callback.
  void deliver(std::span<call_result> results, time_point now);

  /// When `expire` has something to do: never later than the earliest deadline, now and then earlier;
  /// `time_point::max()` where nothing has a deadline.
  time_point next_deadline() const noexcept { return deadlines_.next(); }

  /// Destroys the callbacks whose deadline is `now` or earlier: their records have timed out. What was
  /// not sent yet is dropped; the tokens of the others are returned, so that the pool cancels them.
  /// Their credit comes back with their results.
  std::vector<call_token> expire(time_point now);

  /// The pool is gone: calls every callback with `why`, in no particular order. What was sent is
  /// forgotten (its results would count as unknown) and the credit is void. What a callback asks now
  /// waits for new credit. Exceptions as with `deliver`.
  void fail_all(const error& why);

  // -- queries --

  /// Callbacks that wait for their answer.
  std::size_t outstanding() const noexcept { return waiting_ + called_; }

  /// Of these, questions that have not been sent.
  std::size_t unsent() const noexcept { return waiting_; }

  /// Questions that the pool has, those among them whose deadline has passed.
  std::size_t sent() const noexcept { return sent_; }

  /// Results that came for no question, or for one that had been answered.
  std::uint64_t unknown_results() const noexcept { return unknown_results_; }

private:
  static constexpr std::uint32_t none = 0xffff'ffff;

  enum class entry_state : std::uint8_t {
    free,
    /// Asked, not sent.
    waiting,
    /// Sent; its callback waits.
    called,
    /// Sent; its callback is gone.
    expired,
    /// The driver did not start it, since its deadline had passed; its callback waits for `expire`.
    too_late,
  };

  struct entry {
    callback then;
    std::vector<value> arguments;
    time_point deadline;
    statement_id statement;
    std::uint32_t generation = 1;
    /// Neighbours among the waiting ones; `next` also among the free ones.
    std::uint32_t next = none;
    std::uint32_t previous = none;
    entry_state state = entry_state::free;
  };

  std::uint32_t take_slot();
  void free_slot(std::uint32_t slot) noexcept;
  void unlink_waiting(std::uint32_t slot) noexcept;
  call_token token_of(std::uint32_t slot) const noexcept;
  bool is_gone(const deadline_heap::item& of) const noexcept {
    return entries_[of.slot].generation != of.generation;
  }
  void forget_deadlines_if_idle() noexcept;

  std::vector<entry> entries_;
  deadline_heap deadlines_;
  std::uint32_t free_ = none;
  std::uint32_t first_waiting_ = none;
  std::uint32_t last_waiting_ = none;
  std::size_t waiting_ = 0;
  std::size_t called_ = 0;
  std::size_t sent_ = 0;
  std::size_t credit_ = 0;
  std::uint64_t unknown_results_ = 0;
};

} // namespace weir
