// SPDX-License-Identifier: Apache-2.0
#include "trace_life.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace weir::simulation {

namespace {

struct namer {
  std::string operator()(const value_leaves& leaves) const {
    return "value " + std::to_string(leaves.value);
  }
  std::string operator()(const watermark_leaves& leaves) const {
    return "watermark " + std::to_string(leaves.time);
  }
  std::string operator()(const status_leaves& leaves) const {
    return leaves.idle ? "status idle" : "status active";
  }
  std::string operator()(const barrier_leaves& leaves) const {
    return "barrier " + std::to_string(leaves.id);
  }
  std::string operator()(const dead_letter_leaves& leaves) const {
    return "dead letter " + std::to_string(leaves.record);
  }
};

bool is_watermark(const element& each) {
  return each.border && std::holds_alternative<watermark_leaves>(*each.border);
}

} // namespace

answered_calls answer_calls(const scenario& what, const trace& of) {
  answered_calls calls;
  std::map<std::int64_t, std::size_t> asked;
  for (const auto& call : of.calls) {
    const auto answers =
      answers_in_order(answer_of_service(what, call.record, asked[call.record]++));
    answered_call made{call, 0, std::nullopt, never};
    if (!answers.empty()) {
      made.answer = answers.front();
      made.completes = call.at + answers.front().after;
    }
    calls.of_value[call.record].push_back(calls.in_order.size());
    calls.in_order.push_back(std::move(made));
  }
  return calls;
}

std::string name_of(const leaving& leaves) {
  return std::visit(namer{}, leaves);
}

std::string name_of(const element& each) {
  return each.border ? name_of(*each.border) : "record " + std::to_string(each.value);
}

// -- what may have become of a record --

std::vector<answered_call> life_view::calls_of(std::int64_t value) const {
  std::vector<answered_call> found;
  const auto places = calls_.of_value.find(value);
  if (places == calls_.of_value.end())
    return found;
  for (const auto place : places->second)
    if (calls_.in_order[place].life == of_.number)
      found.push_back(calls_.in_order[place]);
  return found;
}

std::vector<answered_call> life_view::last_calls_of(const element& each) const {
  auto found = calls_of(each.value);
  if (!each.shares_value && found.size() > 1)
    found.erase(found.begin(), std::prev(found.end()));
  return found;
}

std::vector<outcome> life_view::outcomes_of(const element& each) const {
  std::vector<outcome> found;
  if (each.border)
    return {{each.arrived, {*each.border}}};
  if (each.shares_value || calls_of(each.value).empty())
    found = each.outcomes_before;
  add_answers(found, each);
  add_hook(found, each);
  return found;
}

void life_view::add_answers(std::vector<outcome>& into, const element& each) const {
  for (const auto& call : last_calls_of(each)) {
    if (!call.answer || is_retried(call, each) || !(each.shares_value || comes_in_time(call)))
      continue;
    if (call.answer->error)
      add_error(into, each, call.completes, *call.answer->error, source_of_error(*call.answer),
                call.call.attempt);
    else
      add_results(into, each, call.completes, results_of(*call.answer, each.value));
  }
}

/// For certain. Where the end of input or the hook may have come before, the answer may be final.
bool life_view::is_retried(const answered_call& call, const element& each) const {
  return call.answer && wants_retry(of_.with.retry, *call.answer, call.call.record)
         && call.call.attempt <= of_.with.retry.max_attempts && call.completes < of_.last_attempts_from()
         && !of_.hook_may_be_silent && call.completes < deadline_min(each);
}

/// The record was admitted when it was first called, at the latest.
bool life_view::comes_in_time(const answered_call& call) const {
  if (of_.with.timeout == 0 || of_.hook_may_be_silent)
    return true;
  return call.completes <= calls_of(call.call.record).front().call.at + of_.with.timeout;
}

void life_view::add_hook(std::vector<outcome>& into, const element& each) const {
  const auto at = deadline_min(each);
  if (at == never)
    return;
  const auto& hook = of_.with.on_timeout;
  if (hook.kind == hook_kind::emit)
    return add_results(into, each, at, hook.emit);
  const bool is_own = hook.kind == hook_kind::error;
  const auto error = is_own ? hook.error : timeout_error;
  const auto from = is_own ? error_source::service_or_hook : error_source::timeout;
  const auto calls = last_calls_of(each);
  for (const auto& call : calls)
    add_error(into, each, std::max(at, call.call.at), error, from, call.call.attempt);
  if (calls.empty() || each.shares_value)
    for (auto attempts = each.attempts_before_min; attempts <= each.attempts_before_max; ++attempts)
      add_error(into, each, at, error, from, attempts);
}

void life_view::add_results(std::vector<outcome>& into, const element& each, millis at,
                            const std::vector<std::int64_t>& results) const {
  outcome one{at, {}};
  for (const auto result : results)
    one.leaves.emplace_back(value_leaves{result, each.ts});
  into.push_back(std::move(one));
}

void life_view::add_error(std::vector<outcome>& into, const element& each, millis at,
                          const std::string& error, error_source from,
                          std::uint32_t attempts) const {
  const auto action = action_for(of_.with, error, from);
  if (action == scenario_failure_action::drop)
    into.push_back({at, {}});
  if (action == scenario_failure_action::dead_letter)
    into.push_back({at, {dead_letter_leaves{each.value, error, attempts}}});
}

millis life_view::silent_from(const element& each) const {
  if (each.border)
    return is_merged(each) ? each.arrived : never;
  millis at = never;
  for (const auto& one : outcomes_of(each))
    if (one.leaves.empty())
      at = std::min(at, one.at);
  return at;
}

/// The trace does not show which of a long row were merged.
bool life_view::is_merged(const element& each) const {
  if (of_.with.mode != scenario_mode::key_ordered)
    return false;
  const auto* const first = of_.elements.data();
  const auto* const last = first + of_.elements.size();
  const auto* from = &each;
  while (from != first && (from - 1)->border)
    --from;
  const auto* const to =
    std::find_if(&each, last, [](const element& one) { return !one.border; });
  const auto of_kind = std::count_if(
    from, to, [&](const element& one) { return is_watermark(one) == is_watermark(each); });
  return std::cmp_greater(of_kind, borders_in_a_row_max);
}

millis life_view::deadline_min(const element& each) const {
  if (of_.with.timeout == 0)
    return never;
  const bool may_have_less = each.inherited && of_.resumed;
  return each.arrived + (may_have_less ? 0 : of_.with.timeout);
}

millis life_view::runs_until(const answered_call& call) const {
  millis until = call.completes;
  if (of_.with.timeout == 0 || of_.with.on_timeout.kind == hook_kind::nothing)
    return until;
  for (const auto& each : of_.elements)
    if (!each.border && each.value == call.call.record)
      until = std::min(until, deadline_min(each));
  return until;
}

bool life_view::holds_back(const element& before, const element& each) const {
  if (of_.with.mode == scenario_mode::ordered || before.border || each.border)
    return true;
  return of_.with.mode == scenario_mode::key_ordered && key_of(before.value) == key_of(each.value);
}

bool life_view::is_stuck(const element& each) const {
  if (each.border || (of_.with.timeout != 0 && !of_.hook_may_be_silent))
    return false;
  return std::ranges::any_of(last_calls_of(each),
                             [](const auto& call) { return call.completes == never; });
}

bool life_view::takes_place(const element& each) const {
  return !each.border || of_.with.mode != scenario_mode::key_ordered;
}

} // namespace weir::simulation
