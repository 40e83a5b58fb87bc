// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an operator holds at a barrier, as a value: every entry that is not yet emitted, in arrival
/// order, with times as what is left of them, since a reading of a clock means nothing after a restart.

#include "weir/control.hpp"
#include "weir/error.hpp"
#include "weir/key_hash.hpp"
#include "weir/operator_options.hpp"
#include "weir/origin.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace weir {

/// A record that is not yet emitted.
template <class In, class Out>
struct record_snapshot {
  /// Finished for good with an error that its operator's `on_failure` turned into a dead letter or
  /// dropped.
  struct failure {
    error why;
    failure_action met;
  };

  In value;
  event_time timestamp;
  origin from;
  /// 0 where the stream is not keyed.
  key_hash key = 0;
  /// The attempt that runs, or the last that was made; 0 = never called.
  std::uint32_t attempt = 0;
  /// Absent: no timeout. 0: the timeout hook has been called.
  std::optional<duration> timeout_left{};
  /// Present only in back-off.
  std::optional<duration> backoff_left{};
  /// Present once finished: the results that will leave, or the failure.
  std::optional<std::variant<std::vector<Out>, failure>> finished{};
  /// How long the last (at most four) attempts that have ended took, oldest first.
  std::vector<duration> durations{};
  /// Whether attempt `attempt` runs; it is made again after a restore, under its number.
  bool running = false;
};

/// How an operator goes on from a snapshot.
enum class restore_mode : std::uint8_t {
  /// Finished records leave without a call; the others have the attempts and the time that they had left.
  resume,
  /// Every record is called as if it had just come in. Flink's rule.
  call_all,
};

template <class In, class Out>
struct machine_snapshot {
  /// Records and borders in arrival order.
  std::vector<std::variant<record_snapshot<In, Out>, control>> entries;
  /// Whether the end of input has been taken in.
  bool input_ended = false;
};

} // namespace weir
