// SPDX-License-Identifier: Apache-2.0
#include "weir/restart_strategy.hpp"

#include "weir/retry_strategy.hpp"

#include <cmath>
#include <utility>

namespace weir {

namespace {

void check(std::monostate, broken_rules&) {}

void check(const fixed_delay_restart& of, broken_rules& found) {
  found.require(of.max_restarts > 0, "max_restarts", "0", "> 0");
  found.require(of.delay >= duration{0}, "delay", of.delay, ">= 0");
}

void check(const exponential_delay_restart& of, broken_rules& found) {
  found.require(of.initial > duration{0}, "initial", of.initial, "> 0");
  found.require(of.max >= of.initial, "max", of.max, ">= initial");
  found.require(std::isfinite(of.multiplier) && of.multiplier >= 1, "multiplier",
                std::to_string(of.multiplier), ">= 1");
  found.require(of.max_restarts > 0, "max_restarts", "0", "> 0");
}

void check(const failure_rate_restart& of, broken_rules& found) {
  found.require(of.failures > 0 && of.failures <= failure_rate_restart::failures_max, "failures",
                std::to_string(of.failures), "1 to 1000");
  found.require(of.per > duration{0}, "per", of.per, "> 0");
  found.require(of.delay >= duration{0}, "delay", of.delay, ">= 0");
}

} // namespace

bool may_pass(const error& why) noexcept {
  return !why.is(error_kind::argument) && !why.is(error_kind::incompatible)
         && !why.is(error_kind::damaged);
}

broken_rules restart_strategy::broken() const {
  broken_rules found;
  std::visit([&](const auto& how) { check(how, found); }, how_);
  return found;
}

std::optional<duration> restart_decision::after_failure(time_point now) {
  const auto wait = std::visit([&](const auto& how) { return decide(how, now); }, how_.how_);
  if (wait)
    ++restarts_;
  return wait;
}

void restart_decision::checkpoint_completed() noexcept {
  in_a_row_ = 0;
}

std::string restart_decision::count_text() const {
  const auto of = [](std::uint64_t count, std::uint32_t most) {
    return std::to_string(count) + " of " + std::to_string(most);
  };
  if (const auto* fixed = std::get_if<fixed_delay_restart>(&how_.how_))
    return of(restarts_, fixed->max_restarts);
  if (const auto* exponential = std::get_if<exponential_delay_restart>(&how_.how_))
    return of(in_a_row_, exponential->max_restarts);
  return std::to_string(restarts_);
}

std::optional<duration> restart_decision::decide(std::monostate, time_point) {
  return std::nullopt;
}

std::optional<duration> restart_decision::decide(const fixed_delay_restart& how, time_point) {
  if (restarts_ >= how.max_restarts)
    return std::nullopt;
  return how.delay;
}

std::optional<duration> restart_decision::decide(const exponential_delay_restart& how, time_point) {
  if (in_a_row_ >= how.max_restarts)
    return std::nullopt;
  ++in_a_row_;
  // The same curve as that of a record's retries.
  const retry_strategy curve{exponential_delay{.max_attempts = how.max_restarts,
                                               .initial = how.initial,
                                               .max = how.max,
                                               .multiplier = how.multiplier}};
  return curve.delay(in_a_row_, 0);
}

std::optional<duration> restart_decision::decide(const failure_rate_restart& how, time_point now) {
  while (!failures_.empty() && now - failures_.front() >= how.per)
    failures_.pop_front();
  failures_.push_back(now);
  if (failures_.size() > how.failures)
    return std::nullopt;
  return how.delay;
}

} // namespace weir
