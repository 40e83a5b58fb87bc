// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The settings of an async wait operator, with their units, rules and defaults (Flink's names where
/// Flink has them). A plain value; checked when the job is built, before anything starts.

#include "weir/error.hpp"
#include "weir/retry_strategy.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// In which order records leave an operator.
enum class output_mode : std::uint8_t {
  /// In the order in which they arrived.
  ordered,
  /// In the order in which their calls finished, but never past a watermark or a status.
  unordered,
  /// Like `unordered`, and records of one key are called one after the other and leave in the order in
  /// which they arrived. The stream must be keyed.
  key_ordered,
};

/// As job files, scenarios and checkpoints name it: `ordered`, `unordered`, `key_ordered`.
const char* name_of(output_mode mode) noexcept;

/// What a final failure of a record does.
enum class failure_action : std::uint8_t {
  /// The job fails at once.
  fail_job,
  /// The record leaves through the dead-letter output, in its place.
  dead_letter,
  /// The record leaves without results, in its place, and is counted.
  drop,
};

/// What the end of input does to the retries of records that are not finished.
enum class end_policy : std::uint8_t {
  /// Records in back-off get one last attempt at once, running attempts become last ones, and every
  /// outcome is then final: the operator ends soon. Flink's rule.
  last_attempt,
  /// Records keep the attempts that they have left, within their timeouts, as if input went on: what
  /// would have been retried in the middle of the input is retried at its end too.
  keep_retrying,
};

/// What failures of one kind do.
struct failure_rule {
  failure_rule(std::string_view of, failure_action does) : kind(of), action(does) {}

  /// One of `error_kind`, or a name that your function or a driver gives.
  std::string kind;
  failure_action action;
};

struct operator_options {
  // -- what changes behaviour --

  /// Required, unique within the job: metrics, messages and checkpoints know the operator by it.
  std::string name{};

  /// Required. From the moment a record is admitted until it must be finished, over all its
  /// attempts, back-offs and waits. 0 = no timeout (not with a retry strategy). Kept to the nanosecond.
  std::optional<duration> timeout{};

  /// When a call that failed or came back empty is made again. Default: never.
  retry_strategy retry{};

  /// What a final failure does.
  failure_action on_failure = failure_action::fail_job;

  /// Kinds of failure that are treated otherwise than `on_failure` says; the first that fits counts.
  std::vector<failure_rule> failure_rules{};

  /// What the end of input does to records that may still be retried.
  end_policy at_end = end_policy::last_attempt;

  // -- what changes performance --

  /// Most entries that are not yet emitted: running calls, records that wait for a call, for their
  /// turn, in back-off or for room downstream, watermarks, statuses. 1 to 2^31 - 1. More costs
  /// memory and lets one slow call hold back more finished records.
  std::size_t capacity = 100;

  /// Most bytes that the entries hold, values and results; whichever bound is reached first stops the
  /// intake and new calls. A record is taken while less is held, however great it is itself. > 0.
  std::size_t capacity_bytes = 64 * 1024 * 1024;

  /// Most calls that run at once; absent = `capacity`. 1 to `capacity`: a greater capacity is then a
  /// reorder buffer, so that in ordered mode one slow call does not stop the others.
  std::optional<std::size_t> max_concurrent_calls{};

  /// How long a call of the function may hold the operator's thread before that is counted and
  /// reported: the function must start its call and return. 0 = it is not looked for.
  duration blocking_warning = std::chrono::milliseconds{10};

  /// Parallel instances; each has its own function, queue and bounds. 0 = the environment's.
  std::uint32_t parallelism = 0;

  /// What a final failure of this kind does.
  failure_action action_for(const error& why) const;

  /// Whether any final failure becomes a dead letter.
  bool makes_dead_letters() const;

  /// Every rule that is broken, each with the parameter, its value and the rule.
  std::vector<error> mistakes() const;
};

} // namespace weir
