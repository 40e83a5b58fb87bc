// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a trace says about one life of an operator, from its start or a restore to the next one:
/// which elements it held, which calls it made, and what may have become of a record. Times that a
/// trace does not show are bounded, in favour of the trace. Values; any thread.
/// tests/tools/trace_checker_test.cpp shows it at work.

#include "scenario_rules.hpp"

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace weir::simulation {

/// A call of the trace with what the service answered to it.
struct answered_call {
  trace_call call;
  /// Counts the restores before it.
  std::size_t life = 0;
  /// The one that counts; absent: none ever comes.
  std::optional<scenario_answer> answer;
  /// `never` where no answer comes.
  millis completes = never;
};

/// All of them.
struct answered_calls {
  std::vector<answered_call> in_order;
  /// Their places, by the record's value.
  std::map<std::int64_t, std::vector<std::size_t>> of_value;
};

/// Something that a record may leave as. Nothing for one that is dropped or has no results.
struct outcome {
  millis at = 0;
  std::vector<leaving> leaves;
};

/// A record or a border.
struct element {
  /// Of a border.
  std::optional<leaving> border;
  std::int64_t value = 0;
  std::optional<std::int64_t> ts;
  /// When it reached the operator, or the operator was restored with it.
  millis arrived = 0;
  bool inherited = false;
  /// The life holds more than one record of this value, so that calls do not tell which is meant.
  bool shares_value = false;
  // -- from lives before --
  std::vector<outcome> outcomes_before;
  std::uint32_t attempts_before_min = 0;
  std::uint32_t attempts_before_max = 0;
  bool finished_before = false;
  // -- in this life --
  bool left = false;
  /// Of one that left: when, at the earliest, and its place in the output where it shows there.
  millis left_at = never;
  std::optional<std::size_t> place;
};

struct life {
  std::size_t number = 0;
  scenario_operator with;
  bool resumed = false;
  millis begins = 0;
  /// When the end of input arrived.
  millis ended_at = never;
  /// Downstream had no room at times, and has none at the end.
  bool room_was_short = false;
  bool room_is_used_up = false;
  /// Over all lives up to this one.
  std::uint32_t retries_max = 0;
  bool hook_may_be_silent = false;
  /// In the order of arrival.
  std::vector<element> elements;

  /// From when on every attempt is the last one.
  millis last_attempts_from() const { return with.keeps_retrying ? never : ended_at; }
};

/// The trace's calls with their answers.
answered_calls answer_calls(const scenario& what, const trace& of);

/// "record 1", "watermark 5".
std::string name_of(const element& each);
std::string name_of(const leaving& leaves);

/// Judges one life by the calls of the trace.
class life_view {
public:
  life_view(const life& of, const answered_calls& calls) : of_(of), calls_(calls) {}

  /// The calls of this value in this life.
  std::vector<answered_call> calls_of(std::int64_t value) const;
  /// Those that count for this element's outcome.
  std::vector<answered_call> last_calls_of(const element& each) const;

  /// What the record may have become, with the earliest moment of each.
  std::vector<outcome> outcomes_of(const element& each) const;
  /// The earliest moment at which the element may be gone without a trace.
  millis silent_from(const element& each) const;
  /// Not before this the record times out; `never` without a timeout.
  millis deadline_min(const element& each) const;
  /// Until then, but for the record's end, the call runs for certain.
  millis runs_until(const answered_call& call) const;
  /// Whether `before`, not having left, keeps `each` from leaving.
  bool holds_back(const element& before, const element& each) const;
  /// Its call is never answered, and no hook ends it.
  bool is_stuck(const element& each) const;
  /// Whether the element counts for capacity.
  bool takes_place(const element& each) const;

private:
  void add_results(std::vector<outcome>& into, const element& each, millis at,
                   const std::vector<std::int64_t>& results) const;
  void add_error(std::vector<outcome>& into, const element& each, millis at,
                 const std::string& error, error_source from, std::uint32_t attempts) const;
  void add_answers(std::vector<outcome>& into, const element& each) const;
  void add_hook(std::vector<outcome>& into, const element& each) const;
  bool is_retried(const answered_call& call, const element& each) const;
  bool comes_in_time(const answered_call& call) const;
  bool is_merged(const element& each) const;

  const life& of_;
  const answered_calls& calls_;
};

} // namespace weir::simulation
