// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Scenarios as plain values: what comes in, how the outside service answers, how the operator is
/// set; and traces: what the operator did. The reference model and the machine both turn one into
/// the other. Times are whole milliseconds of virtual time, from 0. One thread.

#include "weir/operator_options.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

using millis = std::int64_t;

/// Every record and every result of a scenario holds so many bytes, unless it says otherwise.
inline constexpr std::size_t item_bytes = 8;

// -- scenario --

/// One answer of the service to one call.
struct answer {
  /// From the call. 0 completes within the call.
  millis after = 1;
  bool never = false;
  /// The call itself throws; `error` is what it throws.
  bool thrown = false;
  std::optional<std::string> error;
  std::vector<int> emit;
  /// More answers to the same call.
  std::vector<answer> twice;
};

enum class element_kind { record, watermark, idle, active, end };

struct element {
  millis at = 0;
  element_kind kind = element_kind::record;
  /// The record's value or the watermark's time.
  int value = 0;
  std::optional<int> ts;
  std::size_t bytes = item_bytes;
};

/// Room that comes to the outputs.
struct grant {
  millis at = 0;
  std::int64_t results = 0;
  std::int64_t dead_letters = 0;
};

struct retry_setting {
  enum class kind { none, fixed, exponential };
  kind is = kind::none;
  std::uint32_t max_attempts = 0;
  millis delay = 0;
  millis max = 0;
  double multiplier = 1;
  bool if_empty = false;
  /// Empty: never. `any`, or the error's name.
  std::string if_error;
};

struct hook_setting {
  enum class kind { fail, emit, error, nothing };
  kind is = kind::fail;
  std::vector<int> emit;
  std::string error;
};

struct settings {
  output_mode mode = output_mode::ordered;
  std::size_t capacity = 100;
  std::size_t capacity_bytes = 1u << 20;
  /// 0 = `capacity`.
  std::size_t max_concurrent_calls = 0;
  millis timeout = 0;
  retry_setting retry;
  hook_setting hook;
  failure_action on_failure = failure_action::fail_job;
  std::vector<failure_rule> rules;
  end_policy at_end = end_policy::last_attempt;
};

struct scenario {
  settings with;
  std::vector<element> input;
  std::map<int, std::vector<answer>> service;
  answer otherwise{
    .after = 1, .never = false, .thrown = false, .error = {}, .emit = {}, .twice = {}};
  /// Absent: the outputs always have room. Else what they have at first.
  std::optional<grant> room;
  std::vector<grant> grants;
};

/// The key of a record in key-ordered mode: its value modulo 10, in 0..9.
inline int key_of(int value) {
  return (value % 10 + 10) % 10;
}

/// The answer to the call number `n` (from 0) for records of this value.
inline answer answer_to(const scenario& s, int value, std::size_t n) {
  const auto found = s.service.find(value);
  if (found == s.service.end() || found->second.empty())
    return s.otherwise;
  return found->second[std::min(n, found->second.size() - 1)];
}

// -- trace --

struct emitted {
  millis at = 0;
  std::string text;
  /// Which of the scenario's records it is of, counted from 0; absent for control elements.
  std::optional<std::uint64_t> from;
  friend bool operator==(const emitted&, const emitted&) = default;
};

struct called {
  millis at = 0;
  int record = 0;
  std::uint32_t attempt = 0;
  friend bool operator==(const called&, const called&) = default;
};

struct failed {
  millis at = 0;
  std::string error;
  std::string record;
  friend bool operator==(const failed&, const failed&) = default;
};

struct trace {
  std::vector<emitted> output;
  std::vector<called> calls;
  std::optional<failed> failure;
  /// What the operator counted, as text.
  std::string counts;
  friend bool operator==(const trace&, const trace&) = default;
};

// -- as text --

inline std::string record_text(int value, std::optional<std::int64_t> ts) {
  return "value " + std::to_string(value) + (ts ? " ts " + std::to_string(*ts) : "");
}

inline std::string dead_letter_text(int value, const std::string& error, std::uint32_t attempts,
                                    const std::vector<millis>& durations) {
  auto line = "dead_letter " + std::to_string(value) + " " + error + " attempts "
              + std::to_string(attempts) + " durations";
  for (const auto d : durations)
    line += " " + std::to_string(d);
  return line;
}

inline std::string counts_text(std::uint64_t in, std::uint64_t out, std::uint64_t calls,
                               std::uint64_t retries, std::uint64_t timeouts, std::uint64_t dropped,
                               std::uint64_t dead_letters, std::uint64_t late) {
  std::ostringstream line;
  line << in << " in, " << out << " out, " << calls << " calls, " << retries << " retries, "
       << timeouts << " timeouts, " << dropped << " dropped, " << dead_letters << " dead letters, "
       << late << " late completions";
  return line.str();
}

inline std::ostream& operator<<(std::ostream& to, const trace& t) {
  for (const auto& x : t.output) {
    to << "  out  " << x.at << ": " << x.text;
    if (x.from)
      to << " (record " << *x.from << ")";
    to << "\n";
  }
  for (const auto& x : t.calls)
    to << "  call " << x.at << ": " << x.record << " attempt " << x.attempt << "\n";
  if (t.failure)
    to << "  failed " << t.failure->at << ": " << t.failure->error << ", record "
       << t.failure->record << "\n";
  return to << "  " << t.counts << "\n";
}

inline std::string text(const std::vector<int>& values) {
  std::string line = "[";
  for (const auto v : values)
    line += (line.size() > 1 ? ", " : "") + std::to_string(v);
  return line + "]";
}

inline std::ostream& operator<<(std::ostream& to, const answer& a) {
  to << "{after " << a.after << (a.never ? " never" : "") << (a.thrown ? " throw" : "");
  if (a.error)
    to << " error " << *a.error;
  else
    to << " emit " << text(a.emit);
  for (const auto& more : a.twice)
    to << " twice " << more;
  return to << "}";
}

inline const char* text(failure_action action) {
  constexpr const char* names[] = {"fail_job", "dead_letter", "drop"};
  return names[static_cast<int>(action)];
}

inline std::ostream& operator<<(std::ostream& to, const scenario& s) {
  const auto& with = s.with;
  constexpr const char* modes[] = {"ordered", "unordered", "key_ordered"};
  to << "  " << modes[static_cast<int>(with.mode)] << ", capacity "
     << with.capacity << ", capacity_bytes " << with.capacity_bytes << ", max_concurrent_calls "
     << with.max_concurrent_calls << ", timeout " << with.timeout << "\n";
  if (with.retry.is != retry_setting::kind::none)
    to << "  retry " << (with.retry.is == retry_setting::kind::fixed ? "fixed" : "exponential")
       << " max_attempts " << with.retry.max_attempts << " delay " << with.retry.delay << " max "
       << with.retry.max << " multiplier " << with.retry.multiplier << " if_empty "
       << with.retry.if_empty << " if_error " << with.retry.if_error << "\n";
  constexpr const char* hooks[] = {"fail", "emit", "error", "nothing"};
  to << "  hook " << hooks[static_cast<int>(with.hook.is)] << " " << text(with.hook.emit) << " "
     << with.hook.error << "; on_failure " << text(with.on_failure);
  for (const auto& rule : with.rules)
    to << ", " << rule.kind << " -> " << text(rule.action);
  to << (with.at_end == end_policy::last_attempt ? "\n" : "; keeps retrying at the end\n");
  constexpr const char* kinds[] = {"record", "watermark", "idle", "active", "end"};
  for (const auto& x : s.input) {
    to << "  in " << x.at << ": " << kinds[static_cast<int>(x.kind)] << " " << x.value;
    if (x.ts)
      to << " ts " << *x.ts;
    to << (x.bytes == item_bytes ? "" : " bytes " + std::to_string(x.bytes)) << "\n";
  }
  for (const auto& [value, answers] : s.service) {
    to << "  service " << value << ":";
    for (const auto& a : answers)
      to << " " << a;
    to << "\n";
  }
  if (s.room)
    to << "  room " << s.room->results << " / " << s.room->dead_letters << "\n";
  for (const auto& g : s.grants)
    to << "  room at " << g.at << ": " << g.results << " / " << g.dead_letters << "\n";
  return to;
}

} // namespace weir::testing
