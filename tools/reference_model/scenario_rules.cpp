// SPDX-License-Identifier: Apache-2.0
#include "scenario_rules.hpp"

#include <algorithm>
#include <cmath>

namespace weir::simulation {

namespace {

void collect_answers(const scenario_answer& answer, std::vector<scenario_answer>& into) {
  if (!answer.never) {
    into.push_back(answer);
    if (answer.throws)
      into.back().after = 0;
  }
  for (const auto& more : answer.twice)
    collect_answers(more, into);
}

/// Rounded down, but for what the factors, 1.2 say, are off by as numbers of a machine.
long double whole_part(long double product, long double factors) {
  const auto nearest = std::round(product);
  return nearest - product <= product * factors * 0x1p-53L ? nearest : std::floor(product);
}

} // namespace

std::int64_t key_of(std::int64_t value) noexcept {
  return (value % 10 + 10) % 10;
}

scenario_answer answer_of_service(const scenario& what, std::int64_t value,
                                  std::size_t asked_before) {
  const auto named = what.service.find(value);
  const auto& answers = named == what.service.end() ? what.otherwise : named->second;
  if (answers.empty())
    return {};
  return answers[std::min(asked_before, answers.size() - 1)];
}

std::vector<scenario_answer> answers_in_order(const scenario_answer& answer) {
  std::vector<scenario_answer> all;
  collect_answers(answer, all);
  std::ranges::stable_sort(all, {}, &scenario_answer::after);
  return all;
}

std::vector<std::int64_t> results_of(const scenario_answer& answer, std::int64_t value) {
  return answer.emit.value_or(std::vector{2 * value});
}

bool wants_retry(const scenario_retry& retry, const scenario_answer& answer, std::int64_t value) {
  if (retry.kind == retry_kind::none)
    return false;
  if (answer.error)
    return retry.if_error && (*retry.if_error == "any" || *retry.if_error == *answer.error);
  return retry.if_empty && results_of(answer, value).empty();
}

scenario_failure_action action_for(const scenario_operator& with, const std::string& error,
                                   error_source from) {
  const auto fits = [&](const scenario_failure_rule& rule) {
    if (rule.error == timeout_error)
      return from == error_source::timeout;
    if (rule.error == "exception")
      return from == error_source::thrown_call;
    return from == error_source::service_or_hook && rule.error == error;
  };
  const auto rule = std::ranges::find_if(with.failure_rules, fits);
  return rule == with.failure_rules.end() ? with.on_failure : rule->action;
}

error_source source_of_error(const scenario_answer& answer) noexcept {
  return answer.throws ? error_source::thrown_call : error_source::service_or_hook;
}

millis delay_before_retry(const scenario_retry& retry, std::uint32_t attempt) {
  if (retry.kind == retry_kind::fixed)
    return retry.delay;
  constexpr long double nanos_in_milli = 1e6L;
  const auto grown = static_cast<long double>(retry.initial) * nanos_in_milli
                     * std::pow(static_cast<long double>(retry.multiplier), attempt - 1.0L);
  const auto nanos = std::min(whole_part(grown, attempt - 1.0L),
                              static_cast<long double>(retry.max) * nanos_in_milli);
  return static_cast<millis>(std::floor(nanos / nanos_in_milli));
}

} // namespace weir::simulation
