// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The handle through which one operator instance asks a client pool. The user's function asks and
/// gets its callback run later; the shell around the operator sends what was asked, one message for
/// many questions and never more than the pool has granted, and hands in the results. It belongs to
/// the operator instance and is touched on that operator's thread alone; it knows neither actors nor
/// threads nor a clock. Shown by tests/clients/pool_client_test.cpp.

#include "weir/deadline_queue.hpp"
#include "weir/error.hpp"
#include "weir/question.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace weir {

/// What one operator instance has asked of one pool. Each callback is called at most once: with the
/// result, with the error of `fail_all`, or never, where the question's deadline passed first.
class pool_client {
public:
  /// Gets the answer or the error, to take what it wants of it. May ask again.
  using callback = unique_function<void(expected<answer>&&)>;

  pool_client() = default;
  pool_client(const pool_client&) = delete;
  pool_client& operator=(const pool_client&) = delete;

  // -- the function's side --

  /// Asks. `then`, which a `callback` can be made of, runs on the operator's thread, never inside `ask`.
  /// Past `deadline` it is destroyed without being called; `time_point::max()` = never. It must not be empty.
  template <class Then>
  void ask(statement_id statement, value_list arguments, time_point deadline, Then&& then) {
    const auto slot = take_slot();
    auto& e = at(slot);
    try {
      e.then.emplace(std::forward<Then>(then));
      begin(slot, e, statement, std::move(arguments), deadline);
    } catch (...) {
      free_slot(slot, e);
      throw;
    }
  }

  // -- the shell's side --

  /// `calls` more questions may be sent.
  void grant(std::size_t calls) noexcept { credit_ += calls; }

  /// Whether there is something to send and credit for it.
  bool has_requests() const noexcept {
    return !requests_.empty() || (waiting_ > 0 && credit_ > 0);
  }

  /// What may be sent now, in the order of asking. The rest waits inside. `spare`: memory to use again.
  std::vector<question> take_requests(std::vector<question> spare = {});

  /// Runs the callbacks of `results`, which may take the outcomes out of them. A question that the driver
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

  /// Of these, questions that have not been taken to be sent.
  std::size_t unsent() const noexcept { return waiting_ + requests_.size(); }

  /// Questions that the pool has, those among them whose deadline has passed.
  std::size_t sent() const noexcept { return sent_; }

  /// Results that came for no question, or for one that had been answered.
  std::uint64_t unknown_results() const noexcept { return unknown_results_; }

private:
  static constexpr std::uint32_t none = 0xffff'ffff;

  enum class entry_state : std::uint8_t {
    free,
    /// Asked; there is no credit for it.
    waiting,
    /// Its callback runs.
    answered,
    /// It has its credit, and its callback waits.
    called,
    /// It has its credit; its callback is gone.
    expired,
    /// The driver did not start it, since its deadline had passed; its callback waits for `expire`.
    too_late,
  };

  struct entry {
    callback then;
    time_point deadline;
    std::uint32_t generation = 1;
    /// Among the free ones.
    std::uint32_t next = none;
    entry_state state = entry_state::free;
  };

  /// Entries stay where they are, since a callback runs in its place and may ask.
  static constexpr std::uint32_t block_size = 64;

  entry& at(std::uint32_t slot) noexcept { return blocks_[slot / block_size][slot % block_size]; }
  const entry& at(std::uint32_t slot) const noexcept { return blocks_[slot / block_size][slot % block_size]; }

  // Who has an entry at hand gives it along with its slot, so that it is not looked up again.
  /// The question in this slot, whose callback is there, is asked.
  [[gnu::always_inline]] void begin(std::uint32_t slot, entry& e, statement_id statement, value_list&& arguments,
                                    time_point deadline) {
    assert(e.then);
    e.deadline = deadline;
    // It may stay though what follows throws: the deadline of a slot that is freed is none.
    if (deadline != time_point::max())
      deadlines_.push({deadline, slot, e.generation}, outstanding() + 1,
                      [this](const auto& of) { return is_gone(of); });
    // With credit only where none waits for it: in their order.
    auto& asked = credit_ > 0 && waiting_ == 0 ? add_request(e) : add_waiting(e);
    asked.token = token_of(slot, e);
    asked.statement = statement;
    asked.arguments = std::move(arguments);
    asked.deadline = deadline;
  }
  /// A place for a question that gets its credit now, and for one that waits for it.
  [[gnu::always_inline]] question& add_request(entry& e) {
    auto& asked = requests_.emplace_back();
    e.state = entry_state::called;
    --credit_;
    ++called_;
    return asked;
  }
  question& add_waiting(entry& e);
  std::uint32_t take_slot() {
    if (free_ == none) [[unlikely]]
      add_block();
    return std::exchange(free_, at(free_).next);
  }
  void add_block();
  /// With its callback.
  void free_slot(std::uint32_t slot, entry& e) noexcept;
  /// Leaves nothing of questions whose slots have been freed among those that wait.
  void purge_waiting();
  /// Takes out of the requests what has expired, and out of `tokens`.
  void drop_expired_requests(std::vector<call_token>& tokens);
  static call_token token_of(std::uint32_t slot, const entry& e) noexcept {
    return call_token{e.generation} << 32 | slot;
  }
  /// The entry of the question that was asked under this token; null where it is over.
  entry* find(call_token token) noexcept {
    const auto slot = static_cast<std::uint32_t>(token);
    if (slot >= slots_)
      return nullptr;
    auto& e = at(slot);
    return e.generation == token >> 32 ? &e : nullptr;
  }
  bool is_gone(const deadline_queue::item& of) const noexcept { return at(of.slot).generation != of.generation; }
  /// Of questions that are over, as far as they are the next.
  void forget_deadlines() noexcept;

  std::vector<std::unique_ptr<entry[]>> blocks_;
  std::uint32_t slots_ = 0;
  std::uint32_t free_ = none;
  deadline_queue deadlines_;
  /// What may be sent.
  std::vector<question> requests_;
  /// Questions without credit, in the order of asking, and some whose slots have been freed since.
  std::deque<question> without_credit_;
  /// Those that have not.
  std::size_t waiting_ = 0;
  std::size_t called_ = 0;
  std::size_t sent_ = 0;
  std::size_t credit_ = 0;
  std::uint64_t unknown_results_ = 0;
};

} // namespace weir
