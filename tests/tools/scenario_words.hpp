// SPDX-License-Identifier: Apache-2.0
#pragma once

// Words to write scenarios with, and traces as one line: `10:20@1` is the value 20 with the event
// time 1 that leaves at 10; w, s, b and d are watermarks, statuses, barriers and dead letters;
// `10:1/2` is the second call of record 1.

#include "weir/scenario.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weir::simulation::testing {

using values = std::vector<std::int64_t>;

// -- input --

inline scenario_input record(millis at, std::int64_t value, std::optional<std::int64_t> ts = {}) {
  return {at, record_arrives{value, ts}};
}
inline scenario_input large_record(millis at, std::int64_t value, std::size_t bytes) {
  return {at, record_arrives{value, {}, bytes}};
}
inline scenario_input watermark(millis at, std::int64_t time) {
  return {at, watermark_arrives{time}};
}
inline scenario_input idle(millis at) {
  return {at, status_arrives{true}};
}
inline scenario_input active(millis at) {
  return {at, status_arrives{false}};
}
inline scenario_input barrier(millis at, std::int64_t id) {
  return {at, barrier_arrives{id}};
}
inline scenario_input end(millis at) {
  return {at, end_arrives{}};
}
inline scenario_input restore(millis at, std::int64_t id,
                              std::optional<scenario_operator> with = {}) {
  return {at, operator_restores{id, false, std::move(with)}};
}
inline scenario_input call_all(millis at, std::int64_t id,
                               std::optional<scenario_operator> with = {}) {
  return {at, operator_restores{id, true, std::move(with)}};
}

// -- service --

inline scenario_answer after(millis delay) {
  scenario_answer answer;
  answer.after = delay;
  return answer;
}
inline scenario_answer emits(millis delay, values results) {
  auto answer = after(delay);
  answer.emit = std::move(results);
  return answer;
}
inline scenario_answer fails(millis delay, std::string error = "io") {
  auto answer = after(delay);
  answer.error = std::move(error);
  return answer;
}
inline scenario_answer throws(std::string error) {
  auto answer = fails(0, std::move(error));
  answer.throws = true;
  return answer;
}
inline scenario_answer silence() {
  scenario_answer answer;
  answer.never = true;
  return answer;
}

// -- settings --

inline scenario_operator mode(scenario_mode which) {
  scenario_operator with;
  with.mode = which;
  return with;
}
inline scenario_operator ordered() {
  return mode(scenario_mode::ordered);
}
inline scenario_operator unordered() {
  return mode(scenario_mode::unordered);
}
inline scenario_operator key_ordered() {
  return mode(scenario_mode::key_ordered);
}
inline scenario_operator dead_letters(scenario_operator with) {
  with.on_failure = scenario_failure_action::dead_letter;
  return with;
}
inline scenario_operator dropping(scenario_operator with) {
  with.on_failure = scenario_failure_action::drop;
  return with;
}
inline scenario_operator timeout(millis after, scenario_operator with, scenario_hook hook = {}) {
  with.timeout = after;
  with.on_timeout = std::move(hook);
  return with;
}
inline scenario_operator capacity(std::size_t capacity, scenario_operator with) {
  with.capacity = capacity;
  return with;
}
inline scenario_operator calls_max(std::size_t calls, scenario_operator with) {
  with.max_concurrent_calls = calls;
  return with;
}
inline scenario_operator bytes_max(std::size_t bytes, scenario_operator with) {
  with.capacity_bytes = bytes;
  return with;
}
inline scenario_operator failing_with(std::string error, scenario_failure_action action,
                                      scenario_operator with) {
  with.failure_rules.push_back({std::move(error), action});
  return with;
}
inline scenario_operator keeps_retrying(scenario_operator with) {
  with.keeps_retrying = true;
  return with;
}
inline scenario_operator retries(std::uint32_t max_attempts, millis delay, scenario_operator with) {
  with.retry.kind = retry_kind::fixed;
  with.retry.max_attempts = max_attempts;
  with.retry.delay = delay;
  with.retry.if_error = "any";
  return with;
}

inline scenario_hook hook_emits(values results) {
  return {hook_kind::emit, std::move(results), {}};
}
inline scenario_hook hook_error(std::string error) {
  return {hook_kind::error, {}, std::move(error)};
}
inline scenario_hook hook_nothing() {
  return {hook_kind::nothing, {}, {}};
}

// -- traces as text --

inline std::string text(const value_leaves& leaves) {
  return std::to_string(leaves.value) + (leaves.ts ? "@" + std::to_string(*leaves.ts) : "");
}
inline std::string text(const watermark_leaves& leaves) {
  return "w" + std::to_string(leaves.time);
}
inline std::string text(const status_leaves& leaves) {
  return leaves.idle ? "sidle" : "sactive";
}
inline std::string text(const barrier_leaves& leaves) {
  return "b" + std::to_string(leaves.id);
}
inline std::string text(const dead_letter_leaves& leaves) {
  return "d" + std::to_string(leaves.record) + "," + leaves.error + ","
         + std::to_string(leaves.attempts);
}

inline std::string join(std::string line, millis at, const std::string& what) {
  return std::move(line) + (line.empty() ? "" : " ") + std::to_string(at) + ":" + what;
}

inline std::string output_of(const trace& of) {
  std::string line;
  for (const auto& leaves : of.output)
    line = join(line, leaves.at,
                std::visit([](const auto& what) { return text(what); }, leaves.what));
  return line;
}

inline std::string calls_of(const trace& of) {
  std::string line;
  for (const auto& call : of.calls)
    line = join(line, call.at, std::to_string(call.record) + "/" + std::to_string(call.attempt));
  return line;
}

inline std::string failure_of(const trace& of) {
  if (!of.failed)
    return "";
  return join("", of.failed->at, of.failed->error + "," + std::to_string(of.failed->record));
}

} // namespace weir::simulation::testing
