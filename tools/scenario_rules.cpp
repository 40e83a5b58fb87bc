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

millis delay_before_retry(const scenario_retry& retry, std::uint32_t attempt) {
  if (retry.kind == retry_kind::fixed)
    return retry.delay;
  constexpr double nanos = 1e6;
  const auto grown =
    static_cast<double>(retry.initial) * nanos * std::pow(retry.multiplier, attempt - 1);
  const auto whole = std::floor(std::min(grown, static_cast<double>(retry.max) * nanos));
  return static_cast<millis>(std::floor(whole / nanos));
}

} // namespace weir::simulation
