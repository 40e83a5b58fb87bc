// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the words of a scenario mean, for those that judge: how the service answers, what is
/// retried and when, which key a record has. Plain functions; any thread.
/// tests/tools/reference_model_test.cpp shows them at work.

#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace weir::simulation {

using leaving = decltype(trace_output::what);

constexpr millis never = std::numeric_limits<millis>::max();
/// More watermarks than these, or statuses, with no record between them are merged, where the order is by key.
constexpr std::size_t borders_in_a_row_max = 1000;

/// Of a record.
std::int64_t key_of(std::int64_t value) noexcept;

/// To the next call of this value; `asked_before`: how many came before.
scenario_answer answer_of_service(const scenario& what, std::int64_t value,
                                  std::size_t asked_before);

/// The answers to one call in the order in which they come; those of one millisecond as given.
/// `after` of one that the call throws is 0.
std::vector<scenario_answer> answers_in_order(const scenario_answer& answer);

/// Of an answer that is no error.
std::vector<std::int64_t> results_of(const scenario_answer& answer, std::int64_t value);

/// Whether the predicates ask for a retry, attempts aside.
bool wants_retry(const scenario_retry& retry, const scenario_answer& answer, std::int64_t value);

/// Who an error comes from, by which rules for failures tell errors of one name apart.
enum class error_source : std::uint8_t { service_or_hook, thrown_call, timeout };

/// What a final failure does.
scenario_failure_action action_for(const scenario_operator& with, const std::string& error,
                                   error_source from);

error_source source_of_error(const scenario_answer& answer) noexcept;

/// What a timeout that the hook does not turn into something else is called.
inline constexpr const char* timeout_error = "timeout_error";

/// From the end of an attempt, counted from 1, to the next.
millis delay_before_retry(const scenario_retry& retry, std::uint32_t attempt);

} // namespace weir::simulation
