// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An element that an operator holds: a record with what every event of its calls needs to know, or a
/// border. What only few records need lies elsewhere (`attempt_durations`), so that an entry of a small
/// record fills two cache lines. Part of the deterministic machine, which owns the table that it lies in.

#include "weir/control.hpp"
#include "weir/held_record.hpp"
#include "weir/key_hash.hpp"
#include "weir/operator_options.hpp"
#include "weir/origin.hpp"
#include "weir/outcome.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

namespace weir {

enum class entry_state : std::uint8_t {
  free,
  /// A record that waits for a free call, or in back-off.
  waiting,
  running,
  /// A record that has its outcome and waits for its turn or for room.
  finished,
  border,
};

template <class In, class Out>
struct queue_entry {
  std::optional<In> value;
  /// The last attempt that was made; 0 = never called.
  std::uint32_t attempt = 0;
  entry_state state = entry_state::free;
  bool hook_called = false;
  /// Attempt `attempt` ran when the record was saved; the next call makes it again.
  bool repeats = false;
  /// What `on_failure` does with a finished record that failed.
  failure_action met = failure_action::fail_job;
  time_point called_at;
  event_time timestamp;
  origin from;
  /// Not beside `attempt`, with which it would be read in one piece just after that was written.
  std::uint32_t generation = 0;
  /// In key-ordered mode.
  key_hash key = 0;
  std::uint64_t arrival = 0;
  std::size_t bytes = 0;
  outcome<Out> result;

  bool is_unfinished() const noexcept {
    return state == entry_state::waiting || state == entry_state::running;
  }

  /// Attempts whose calls run no longer.
  std::uint32_t ended_attempts() const noexcept {
    return attempt - (state == entry_state::running || repeats ? 1 : 0);
  }

  /// Shows the record, but for what the entry does not know: times that are left, and durations.
  void show(held_record& as) const {
    as.value = &*value;
    as.timestamp = timestamp;
    as.from = from;
    as.key = key;
    as.attempt = attempt;
    as.running = state == entry_state::running || repeats;
    as.finished = state == entry_state::finished;
    as.why = as.finished ? result.why() : nullptr;
    as.met = as.why != nullptr ? met : failure_action::fail_job;
    const auto results = as.finished ? result.results() : std::span<const Out>{};
    as.results = results.data();
    as.result_count = results.size();
  }

  /// The counterpart for a record whose value was read. Its results are not yet there.
  void take_up(In&& read, const held_facts& of) {
    value.emplace(std::move(read));
    timestamp = of.timestamp;
    from = of.from;
    key = of.key;
    attempt = of.attempt;
    repeats = of.running;
    hook_called = of.timeout_left == duration{0};
  }
};

} // namespace weir
