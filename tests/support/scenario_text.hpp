// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A scenario as text for whoever looks for a mistake: JSON for `weir simulate`, and in front of it a line for
/// each thing that files cannot say. Pure functions.

#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace weir::simulation::testing {

namespace detail {

inline std::string list_text(const std::vector<std::int64_t>& of) {
  std::string text;
  for (const auto each : of)
    text += (text.empty() ? "" : ", ") + std::to_string(each);
  return "[" + text + "]";
}

inline std::string quoted(const std::string& name) {
  return "\"" + name + "\"";
}

inline const char* name_of(scenario_failure_action action) {
  constexpr const char* names[] = {"fail_job", "drop", "dead_letter"};
  return names[static_cast<int>(action)];
}

inline std::string retry_text(const scenario_retry& of) {
  if (of.kind == retry_kind::none)
    return R"({"kind": "none"})";
  auto text = std::string{R"({"kind": )"}
              + (of.kind == retry_kind::fixed ? R"("fixed")" : R"("exponential")")
              + R"(, "max_attempts": )" + std::to_string(of.max_attempts);
  if (of.kind == retry_kind::fixed)
    text += R"(, "delay_ms": )" + std::to_string(of.delay);
  else
    text += R"(, "initial_ms": )" + std::to_string(of.initial) + R"(, "max_ms": )"
            + std::to_string(of.max) + R"(, "multiplier": )" + std::to_string(of.multiplier);
  if (of.if_empty)
    text += R"(, "if_result": "empty")";
  if (of.if_error)
    text += R"(, "if_error": )" + quoted(*of.if_error);
  return text + "}";
}

inline std::string hook_text(const scenario_hook& of) {
  switch (of.kind) {
    case hook_kind::emit:
      return R"({"emit": )" + list_text(of.emit) + "}";
    case hook_kind::error:
      return R"({"error": )" + quoted(of.error) + "}";
    case hook_kind::nothing:
      return R"({"nothing": true})";
    case hook_kind::fail:
      break;
  }
  return R"({"fail": true})";
}

inline std::string operator_text(const scenario_operator& of) {
  constexpr const char* modes[] = {"ordered", "unordered", "key_ordered"};
  auto text = R"({"mode": ")" + std::string{modes[static_cast<int>(of.mode)]}
              + R"(", "capacity": )" + std::to_string(of.capacity);
  if (of.max_concurrent_calls)
    text += R"(, "max_concurrent_calls": )" + std::to_string(*of.max_concurrent_calls);
  return text + R"(, "timeout_ms": )" + std::to_string(of.timeout) + R"(, "retry": )"
         + retry_text(of.retry) + R"(, "on_timeout": )" + hook_text(of.on_timeout)
         + R"(, "on_failure": ")" + name_of(of.on_failure) + "\"}";
}

inline std::string answer_text(const scenario_answer& of) {
  std::string text = "{";
  if (of.throws)
    text += R"("throw": )" + quoted(of.error.value_or(""));
  else if (of.never)
    text += R"("never": true)";
  else
    text += R"("after": )" + std::to_string(of.after);
  if (of.error && !of.throws && !of.never)
    text += R"(, "error": )" + quoted(*of.error);
  else if (of.emit && !of.throws && !of.never)
    text += R"(, "emit": )" + list_text(*of.emit);
  std::string more;
  for (const auto& each : of.twice)
    more += (more.empty() ? "" : ", ") + answer_text(each);
  return text + (more.empty() ? "" : R"(, "twice": [)" + more + "]") + "}";
}

inline std::string answers_text(const std::vector<scenario_answer>& of) {
  std::string text;
  for (const auto& each : of)
    text += (text.empty() ? "" : ", ") + answer_text(each);
  return "[" + text + "]";
}

struct input_text {
  std::string operator()(const record_arrives& x) const {
    return R"("record": )" + std::to_string(x.value)
           + (x.ts ? R"(, "ts": )" + std::to_string(*x.ts) : "");
  }
  std::string operator()(const watermark_arrives& x) const {
    return R"("watermark": )" + std::to_string(x.time);
  }
  std::string operator()(const status_arrives& x) const {
    return std::string{R"("status": )"} + (x.idle ? R"("idle")" : R"("active")");
  }
  std::string operator()(const barrier_arrives& x) const {
    return R"("barrier": )" + std::to_string(x.id);
  }
  std::string operator()(const operator_restores& x) const {
    return R"("restore": )" + std::to_string(x.id) + (x.call_all ? R"(, "how": "call_all")" : "")
           + (x.with ? R"(, "operator": )" + operator_text(*x.with) : "");
  }
  std::string operator()(const end_arrives&) const { return R"("end": true)"; }
};

/// What files cannot say about an operator, a line each.
inline std::string hidden_settings(const scenario_operator& of, const std::string& which) {
  std::string text;
  for (const auto& rule : of.failure_rules)
    text += which + ": failures with " + rule.error + ": " + name_of(rule.action) + "\n";
  if (of.capacity_bytes)
    text += which + ": capacity_bytes " + std::to_string(*of.capacity_bytes) + "\n";
  if (of.keeps_retrying)
    text += which + ": keeps retrying at the end\n";
  return text;
}

} // namespace detail

/// What files cannot say of the scenario.
inline std::string hidden_text(const scenario& of) {
  auto text = detail::hidden_settings(of.with, "operator");
  for (std::size_t i = 0; i < of.input.size(); ++i) {
    const auto name = "input[" + std::to_string(i) + "]";
    if (const auto* record = std::get_if<record_arrives>(&of.input[i].what);
        record && record->bytes != bytes_of_value)
      text += name + ": " + std::to_string(record->bytes) + " bytes\n";
    if (const auto* restores = std::get_if<operator_restores>(&of.input[i].what);
        restores && restores->with)
      text += detail::hidden_settings(*restores->with, name);
  }
  if (of.room)
    for (const auto& each : *of.room)
      text += "room at " + std::to_string(each.at) + ": " + std::to_string(each.results)
              + " results, " + std::to_string(each.dead_letters) + " dead letters\n";
  return text;
}

/// All of it, in lines.
inline std::string text_of(const scenario& of) {
  auto text = hidden_text(of) + R"({"name": )" + detail::quoted(of.name) + R"(, "operator": )"
              + detail::operator_text(of.with) + ",\n \"input\": [";
  for (std::size_t i = 0; i < of.input.size(); ++i)
    text += (i == 0 ? "" : ",\n  ") + (R"({"at": )" + std::to_string(of.input[i].at)) + ", "
            + std::visit(detail::input_text{}, of.input[i].what) + "}";
  text += "],\n \"service\": {";
  std::string service;
  const auto add = [&](const std::string& who, const std::vector<scenario_answer>& answers) {
    service += (service.empty() ? "" : ",\n  ") + detail::quoted(who) + ": "
               + detail::answers_text(answers);
  };
  for (const auto& [value, answers] : of.service)
    add(std::to_string(value), answers);
  if (!of.otherwise.empty())
    add("otherwise", of.otherwise);
  return text + service + "}}\n";
}

} // namespace weir::simulation::testing
