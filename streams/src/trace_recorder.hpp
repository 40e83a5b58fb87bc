// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Is told what an operator is asked and what it does, in order, and makes the scenario's trace of it; where
/// a log is wanted, it also tells a `run_watcher`. It knows no operator: whoever runs one calls it. One thread.

#include "run_watcher.hpp"
#include "simulated_operator.hpp"
#include "weir/machine_simulation.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace weir::simulation::detail {

class trace_recorder {
public:
  /// `log` may be null. Both outlive the recorder.
  trace_recorder(const scenario& of, std::vector<happening>* log);

  // -- time --

  /// What follows happens at this time.
  void set_time(millis now);
  millis now() const noexcept { return now_; }

  // -- what comes in --

  /// The element of this place in the input.
  void arrives(std::size_t element);
  /// A barrier arrives, and leaves at once.
  void passes(std::size_t element, const barrier_arrives& barrier);
  /// The operator is about to be replaced.
  void restores(std::size_t element);

  // -- calls --

  /// `call` is a number of its own.
  void called(const simulated_record& of, std::uint32_t attempt, std::uint64_t call);
  void answered(const simulated_record& of, std::uint64_t call, bool failed);
  void times_out(const simulated_record& of);

  // -- what leaves --

  /// One result of the record whose place in the input is the origin's position.
  void leaves(simulated_result value, event_time ts, const origin& from);
  void leaves(const dead_letter<simulated_record>& letter);
  /// The end of input is not shown in the trace, but accounted for.
  void leaves(const control& what);
  /// Nothing follows.
  void fails(const operator_failure& failure);

  // -- the account --

  /// What an operator, which is about to go, has counted since it was made.
  void add(const machine_counts& of);
  /// What the last one holds at the end.
  void set_left(std::size_t held, std::size_t running);

  // -- results --

  bool has_failed() const noexcept { return trace_.failed.has_value(); }
  /// The trace; last of all.
  trace take();
  /// Null without a log.
  run_watcher* watcher() noexcept { return watcher_ ? &*watcher_ : nullptr; }

private:
  void add(decltype(trace_output::what) what) { trace_.output.push_back({now_, std::move(what)}); }

  const scenario& scenario_;
  std::optional<run_watcher> watcher_;
  millis now_ = 0;
  trace trace_;
  run_account account_;
};

} // namespace weir::simulation::detail
