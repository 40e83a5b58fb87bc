// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What-if questions to an async wait operator as plain values: a scenario says what comes in, how the
/// outside service answers and how the operator is set; a trace says what the operator did. The language
/// is that of docs/scenarios.md; `weir simulate` reads and prints it as JSON. What is marked *not in files*
/// only programs can say and see. Times are whole milliseconds of virtual time, from 0. Includes nothing of the
/// operator, so that a model of it can be written without it. Values; any thread.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir::simulation {

/// Milliseconds of virtual time.
using millis = std::int64_t;

/// What a record holds unless it says otherwise, and what each result holds. Several results of one record
/// hold `bytes_of_list` more.
inline constexpr std::size_t bytes_of_value = 8;
inline constexpr std::size_t bytes_of_list = sizeof(std::vector<std::int64_t>);

// -- scenario --

enum class scenario_mode : std::uint8_t { ordered, unordered, key_ordered };

enum class retry_kind : std::uint8_t { none, fixed, exponential };

struct scenario_retry {
  retry_kind kind = retry_kind::none;
  /// Retries, not calls.
  std::uint32_t max_attempts = 0;
  /// Of `fixed`.
  millis delay = 0;
  /// Of `exponential`.
  millis initial = 0;
  millis max = 0;
  double multiplier = 1;
  /// Whether an empty result is retried.
  bool if_empty = false;
  /// Absent: never; `any`; or the error's name.
  std::optional<std::string> if_error;
};

/// What the function's timeout hook does.
enum class hook_kind : std::uint8_t { fail, emit, error, nothing };

struct scenario_hook {
  hook_kind kind = hook_kind::fail;
  /// Of `emit`.
  std::vector<std::int64_t> emit;
  /// Of `error`.
  std::string error;
};

enum class scenario_failure_action : std::uint8_t { fail_job, drop, dead_letter };

/// What final failures with one error do.
struct scenario_failure_rule {
  /// A name that the service or the hook gives; `timeout_error`: the record timed out; `exception`: its
  /// call threw, whatever that is called.
  std::string error;
  scenario_failure_action action = scenario_failure_action::fail_job;
};

struct scenario_operator {
  scenario_mode mode = scenario_mode::ordered;
  std::size_t capacity = 100;
  /// Absent: `capacity`.
  std::optional<std::size_t> max_concurrent_calls;
  /// 0: none.
  millis timeout = 0;
  scenario_retry retry;
  scenario_hook on_timeout;
  scenario_failure_action on_failure = scenario_failure_action::fail_job;
  // -- not in files --
  /// Before `on_failure`; the first that fits counts.
  std::vector<scenario_failure_rule> failure_rules{};
  /// Bounds the bytes of records and results. Absent: no bound.
  std::optional<std::size_t> capacity_bytes{};
  /// After the end of input, records are retried as before it.
  bool keeps_retrying = false;
};

struct record_arrives {
  std::int64_t value = 0;
  std::optional<std::int64_t> ts;
  /// Not in files.
  std::size_t bytes = bytes_of_value;
};
struct watermark_arrives {
  std::int64_t time = 0;
};
struct status_arrives {
  bool idle = false;
};
/// The operator snapshots, and the barrier leaves; it does not stand in line.
struct barrier_arrives {
  std::int64_t id = 0;
};
/// The operator is destroyed with all that is under way, and a new one starts from a snapshot.
struct operator_restores {
  /// Of the barrier.
  std::int64_t id = 0;
  /// Every record is new, in place of going on where the snapshot was taken.
  bool call_all = false;
  /// Absent: the settings stay.
  std::optional<scenario_operator> with;
};
struct end_arrives {};

struct scenario_input {
  millis at = 0;
  std::variant<record_arrives, watermark_arrives, status_arrives, barrier_arrives,
               operator_restores, end_arrives>
    what;
};

/// One answer of the service to a call.
struct scenario_answer {
  /// From the call. 0: it completes within the call.
  millis after = 1;
  /// No answer; the result future is held on to.
  bool never = false;
  /// The call itself throws `error`.
  bool throws = false;
  /// Absent: `emit`.
  std::optional<std::string> error;
  /// Absent, and no error: twice the record's value.
  std::optional<std::vector<std::int64_t>> emit;
  /// More answers to the same call; their `after` counts from the call as well.
  std::vector<scenario_answer> twice;
};

/// Room that the outputs get for records. Those of one record leave together, also where that is more.
struct output_room {
  millis at = 0;
  std::int64_t results = 0;
  std::int64_t dead_letters = 0;
};

struct scenario {
  std::string name;
  scenario_operator with;
  std::vector<scenario_input> input;
  /// By the record's value: the answers to its calls, in order; after the last one the last repeats.
  std::map<std::int64_t, std::vector<scenario_answer>> service;
  /// For values that are not named. Empty: one answer with its defaults.
  std::vector<scenario_answer> otherwise;
  /// Not in files. Absent: the outputs always have room. Else they have none but what comes, in the order of
  /// time.
  std::optional<std::vector<output_room>> room{};
};

// -- trace --

struct value_leaves {
  std::int64_t value = 0;
  std::optional<std::int64_t> ts;
  friend bool operator==(const value_leaves&, const value_leaves&) = default;
};
struct watermark_leaves {
  std::int64_t time = 0;
  friend bool operator==(const watermark_leaves&, const watermark_leaves&) = default;
};
struct status_leaves {
  bool idle = false;
  friend bool operator==(const status_leaves&, const status_leaves&) = default;
};
struct barrier_leaves {
  std::int64_t id = 0;
  friend bool operator==(const barrier_leaves&, const barrier_leaves&) = default;
};
struct dead_letter_leaves {
  std::int64_t record = 0;
  std::string error;
  std::uint32_t attempts = 0;
  friend bool operator==(const dead_letter_leaves&, const dead_letter_leaves&) = default;
};

struct trace_output {
  millis at = 0;
  std::variant<value_leaves, watermark_leaves, status_leaves, barrier_leaves, dead_letter_leaves>
    what;
  friend bool operator==(const trace_output&, const trace_output&) = default;
};

struct trace_call {
  millis at = 0;
  std::int64_t record = 0;
  std::uint32_t attempt = 0;
  friend bool operator==(const trace_call&, const trace_call&) = default;
};

/// The job failed: nothing follows.
struct trace_failure {
  millis at = 0;
  std::string error;
  std::int64_t record = 0;
  friend bool operator==(const trace_failure&, const trace_failure&) = default;
};

/// What a run came to, beside what its trace shows: what the operator counted, over all restores, and what
/// it held when nothing was due any more.
struct run_account {
  std::uint64_t records_in = 0;
  /// Records that left, in whatever way.
  std::uint64_t records_finished = 0;
  std::uint64_t records_out = 0;
  std::uint64_t calls = 0;
  std::uint64_t retries = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_letters = 0;
  std::uint64_t late_completions = 0;
  /// Entries, and calls that run; 0 where the job failed.
  std::size_t held = 0;
  std::size_t running = 0;
  /// Of each dead letter: how long the last attempts took, at most four.
  std::vector<std::vector<millis>> attempt_times;
  /// When the end of input left.
  std::vector<millis> ended_at;
  friend bool operator==(const run_account&, const run_account&) = default;
};

struct trace {
  std::string name;
  /// In the order of emission; the end of input is not shown.
  std::vector<trace_output> output;
  /// In the order of the calls.
  std::vector<trace_call> calls;
  std::optional<trace_failure> failed;
  /// Of a recorded trace: only `output` is compared, without its times.
  bool compare_output_alone = false;
  /// Not in files.
  std::optional<run_account> account{};
};

} // namespace weir::simulation
