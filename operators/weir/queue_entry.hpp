// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An element that an operator holds: a record with all that is known of its calls, or a border. Part of
/// the deterministic machine, which owns the table that it lies in.

#include "weir/control.hpp"
#include "weir/key_hash.hpp"
#include "weir/machine_snapshot.hpp"
#include "weir/operator_options.hpp"
#include "weir/origin.hpp"
#include "weir/outcome.hpp"
#include "weir/time.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

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
  event_time timestamp;
  origin from;
  /// In key-ordered mode.
  key_hash key = 0;
  std::uint64_t arrival = 0;
  std::uint32_t generation = 0;
  /// The last attempt that was made; 0 = never called.
  std::uint32_t attempt = 0;
  entry_state state = entry_state::free;
  bool hook_called = false;
  /// Attempt `attempt` ran when a snapshot was taken; the next call makes it again.
  bool repeats = false;
  /// What `on_failure` does with a finished record that failed.
  failure_action met = failure_action::fail_job;
  time_point called_at;
  std::size_t bytes = 0;
  outcome<Out> result;
  control border = control::end();

  bool is_unfinished() const noexcept {
    return state == entry_state::waiting || state == entry_state::running;
  }

  /// The last attempt's call runs no longer; it took so long.
  void note_duration(duration took) { durations_[(attempt - 1) % durations_.size()] = took; }

  /// How long the last (at most four) attempts that have ended took, oldest first.
  std::vector<duration> durations() const {
    std::vector<duration> in_order;
    const auto ended = attempt - (state == entry_state::running || repeats ? 1 : 0);
    const auto kept = std::min<std::uint32_t>(ended, durations_.size());
    for (auto n = ended - kept; n < ended; ++n)
      in_order.push_back(durations_[n % durations_.size()]);
    return in_order;
  }

  /// The record as a value, but for the times that are left.
  record_snapshot<In, Out> to_snapshot() const {
    record_snapshot<In, Out> copy{*value, timestamp, from, key, attempt, {}, {}, {}, durations()};
    copy.running = state == entry_state::running || repeats;
    if (state != entry_state::finished)
      return copy;
    if (const auto* why = error_of<Out>(result))
      copy.finished = typename record_snapshot<In, Out>::failure{*why, met};
    else if (const auto* one = std::get_if<1>(&result))
      copy.finished = std::vector<Out>{*one};
    else if (const auto* several = std::get_if<2>(&result))
      copy.finished = *several;
    else
      copy.finished = std::vector<Out>{};
    return copy;
  }

  /// The counterpart.
  void from_snapshot(const record_snapshot<In, Out>& of) {
    value.emplace(of.value);
    timestamp = of.timestamp;
    from = of.from;
    key = of.key;
    attempt = of.attempt;
    repeats = of.running;
    hook_called = of.timeout_left == duration{0};
    const auto ended = of.attempt - (of.running ? 1 : 0);
    const auto first = ended - static_cast<std::uint32_t>(of.durations.size());
    for (std::size_t i = 0; i < of.durations.size(); ++i)
      durations_[(first + i) % durations_.size()] = of.durations[i];
    if (!of.finished)
      return;
    if (const auto* failed = std::get_if<1>(&*of.finished)) {
      met = failed->met;
      result = outcome<Out>{failed_outcome, std::make_unique<error>(failed->why)};
    } else {
      result = outcome<Out>{several_results, std::get<0>(*of.finished)};
    }
  }

private:
  std::array<duration, 4> durations_{};
};

} // namespace weir
