// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All that a faulty driver decides, without its thread and its clock: which calls reach the store,
/// which results are held back and until when. Time goes in as an argument, effects come out of
/// `advance`. Deterministic; not thread-safe: the driver guards it with a mutex.
/// Shown by tests/clients/fault_machine_test.cpp.

#include "weir/fault_plan.hpp"
#include "weir/question.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir {

/// Stands between a pool and the driver of its store, and disturbs the calls as a fault_plan says.
///
/// A passing call goes to the store at once, or as soon as its window has room, and its result is held
/// back for the call's latency. An injected error never reaches the store and takes its latency too. A
/// hang waits for `cancel`. What is held back or hangs takes no place in the store's window.
class fault_machine {
public:
  /// What is to be done, in this order.
  struct effects {
    std::vector<question> submit;
    std::vector<call_token> cancel;
    std::vector<call_result> results;

    bool empty() const noexcept { return submit.empty() && cancel.empty() && results.empty(); }
    void clear() noexcept;
  };

  /// `window`: how many questions the store's driver takes at once.
  fault_machine(std::string pool, const fault_settings& settings, std::size_t window)
    : pool_(std::move(pool)),
      plan_(settings),
      window_(window) {}

  // -- what happens --

  /// The pool asks.
  void submit(std::span<question> questions, time_point now);

  /// The pool waits for these no more. What the store has keeps its place until its result is there,
  /// which is then not held back; all others end as `cancelled` at once.
  void cancel(std::span<const call_token> tokens);

  /// The store's driver answers; takes the results out of `results`.
  void receive(std::span<call_result> results, time_point now);

  // -- what follows --

  /// Appends all that is due at `now`.
  void advance(time_point now, effects& out);

  /// When `advance` has something to do by itself; `time_point::max()` = not before something happens.
  time_point next_due() const noexcept;

private:
  enum class place : std::uint8_t { line, store, held, hung };

  struct call {
    /// Which call it is: a token may come again once it is answered.
    std::uint64_t number;
    duration latency;
    place where;
  };

  struct due_result {
    time_point at;
    std::uint64_t number;
    call_result result;
  };

  /// Earliest on top; of equals the one that was submitted first.
  struct later {
    bool operator()(const due_result& a, const due_result& b) const noexcept {
      return a.at != b.at ? a.at > b.at : a.number > b.number;
    }
  };

  void hold(call_token token, call& c, expected<answer> outcome, time_point at);
  void answer_now(call_token token, std::string why);

  const std::string pool_;
  fault_plan plan_;
  const std::size_t window_;
  std::unordered_map<call_token, call> calls_;
  std::uint64_t submitted_ = 0;
  /// Passing calls that wait for room in the store's window, in order.
  std::deque<question> line_;
  /// Questions that the store's driver has.
  std::size_t in_store_ = 0;
  /// A heap; `later` says what is on top. Keeps cancelled ones until they would have been due.
  std::vector<due_result> held_;
  std::vector<call_token> to_cancel_;
  std::vector<call_result> ready_;
};

} // namespace weir
