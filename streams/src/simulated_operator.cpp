// SPDX-License-Identifier: Apache-2.0
#include "simulated_operator.hpp"

#include "weir/stored.hpp"

#include <algorithm>
#include <limits>

WEIR_STORED(weir::simulation::detail::simulated_record, 1)

namespace weir::simulation::detail {

namespace {

/// So that no name of a scenario can be mistaken for a kind that means something to the operator.
constexpr std::string_view before_name = "service: ";
constexpr std::string_view before_thrown_text = "threw: ";

error_predicate retried_errors(const std::optional<std::string>& which) {
  if (!which)
    return {};
  if (*which == "any")
    return any_error();
  return [wanted = *which](const error& why) { return name_of(why) == wanted; };
}

/// The delays of a strategy, cut to what a scenario can say.
std::function<duration(std::uint32_t)> in_whole_milliseconds(const retry_strategy& of) {
  return [of](std::uint32_t n) {
    return std::chrono::floor<std::chrono::milliseconds>(of.delay(n, 0));
  };
}

retry_strategy strategy_of(const scenario_retry& retry) {
  const auto if_error = retried_errors(retry.if_error);
  const auto if_result = retry.if_empty ? empty_result() : result_predicate{};
  switch (retry.kind) {
    case retry_kind::none:
      break;
    case retry_kind::fixed:
      return fixed_delay{.max_attempts = retry.max_attempts,
                         .delay = as_duration(retry.delay),
                         .if_error = if_error,
                         .if_result = if_result};
    case retry_kind::exponential:
      return custom_delay{
        .max_attempts = retry.max_attempts,
        .delay = in_whole_milliseconds(exponential_delay{.max_attempts = retry.max_attempts,
                                                         .initial = as_duration(retry.initial),
                                                         .max = as_duration(retry.max),
                                                         .multiplier = retry.multiplier}),
        .if_error = if_error,
        .if_result = if_result};
  }
  return {};
}

std::string kind_of(const std::string& name) {
  return std::string{before_name} + name;
}

/// Which errors a rule is for: of those that the operator gives, or of the scenario's.
std::string kind_for_rule(const std::string& name) {
  const bool is_operators = name == error_kind::timeout || name == error_kind::exception;
  return is_operators ? name : kind_of(name);
}

failure_action action_of(scenario_failure_action action) {
  switch (action) {
    case scenario_failure_action::drop:
      return failure_action::drop;
    case scenario_failure_action::dead_letter:
      return failure_action::dead_letter;
    case scenario_failure_action::fail_job:
      break;
  }
  return failure_action::fail_job;
}

} // namespace

error named_error(const std::string& name) {
  return {kind_of(name), "service", name};
}

std::string name_of(const error& why) {
  if (why.kind().starts_with(before_name))
    return why.message();
  const auto at = why.message().find(before_thrown_text);
  if (why.is(error_kind::exception) && at != std::string::npos)
    return why.message().substr(at + before_thrown_text.size());
  return why.kind();
}

operator_options options_of(const scenario_operator& with) {
  operator_options options;
  options.name = "simulated";
  options.timeout = as_duration(with.timeout);
  options.retry = strategy_of(with.retry);
  options.on_failure = action_of(with.on_failure);
  for (const auto& rule : with.failure_rules)
    options.failure_rules.push_back({kind_for_rule(rule.error), action_of(rule.action)});
  options.at_end = with.keeps_retrying ? end_policy::keep_retrying : end_policy::last_attempt;
  options.capacity = with.capacity;
  options.capacity_bytes
    = with.capacity_bytes.value_or(std::numeric_limits<std::size_t>::max());
  options.max_concurrent_calls = with.max_concurrent_calls;
  return options;
}

output_mode mode_of(scenario_mode mode) {
  switch (mode) {
    case scenario_mode::unordered:
      return output_mode::unordered;
    case scenario_mode::key_ordered:
      return output_mode::key_ordered;
    case scenario_mode::ordered:
      break;
  }
  return output_mode::ordered;
}

duration as_duration(millis of) {
  constexpr auto whole = std::chrono::duration_cast<std::chrono::milliseconds>(duration::max());
  return std::min(std::chrono::milliseconds{of}, whole);
}

} // namespace weir::simulation::detail
