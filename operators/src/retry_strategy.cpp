// SPDX-License-Identifier: Apache-2.0
#include "weir/retry_strategy.hpp"

#include "weir/broken_rule.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace weir {

namespace {

/// Numbers of attempts share their bits with marks of the completion port.
constexpr std::uint32_t max_attempts_max = 100'000'000;

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

bool contains(const std::vector<std::string>& kinds, const std::string& kind) {
  return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

duration backed_off(const exponential_delay& how, std::uint32_t n, double chance) {
  const auto max = static_cast<long double>(how.max.count());
  const auto full = static_cast<long double>(how.initial.count())
                    * std::pow(static_cast<long double>(how.multiplier),
                               static_cast<long double>(n - 1));
  // A multiplier like 1.2 is a little less as a double; 1 s times it is 1.2 s all the same.
  const auto lost = std::min(full * (n - 1) * 0x1.0p-53L, 0.5L);
  return duration{static_cast<duration::rep>(std::min(full + lost, max)
                                             * (1 - how.jitter * chance))};
}

} // namespace

error_predicate any_error() {
  return [](const error&) { return true; };
}

error_predicate error_of_kind(std::initializer_list<std::string_view> kinds) {
  return error_of_kind(std::vector<std::string>(kinds.begin(), kinds.end()));
}

error_predicate error_not_of_kind(std::initializer_list<std::string_view> kinds) {
  return error_not_of_kind(std::vector<std::string>(kinds.begin(), kinds.end()));
}

error_predicate error_of_kind(std::vector<std::string> kinds) {
  return [kinds = std::move(kinds)](const error& why) { return contains(kinds, why.kind()); };
}

error_predicate error_not_of_kind(std::vector<std::string> kinds) {
  return [kinds = std::move(kinds)](const error& why) { return !contains(kinds, why.kind()); };
}

result_predicate empty_result() {
  result_predicate made;
  made.kind_ = result_predicate::kind::empty;
  return made;
}

std::uint32_t retry_strategy::max_attempts() const noexcept {
  return std::visit(overloaded{[](std::monostate) { return 0u; },
                               [](const auto& how) { return how.max_attempts; }},
                    how_);
}

duration retry_strategy::delay(std::uint32_t n, double chance) const {
  return std::visit(
    overloaded{[](std::monostate) { return duration{0}; },
               [](const fixed_delay& how) { return how.delay; },
               [&](const exponential_delay& how) { return backed_off(how, n, chance); },
               [&](const custom_delay& how) { return std::max(how.delay(n), duration{0}); }},
    how_);
}

bool retry_strategy::has_jitter() const noexcept {
  const auto* how = std::get_if<exponential_delay>(&how_);
  return how != nullptr && how->jitter > 0;
}

bool retry_strategy::retries_error(const error& why) const {
  return std::visit(
    overloaded{[](std::monostate) { return false; },
               [&](const auto& how) { return how.if_error && how.if_error(why); }},
    how_);
}

const result_predicate& retry_strategy::if_result() const noexcept {
  static const result_predicate never;
  return std::visit(
    overloaded{[](std::monostate) -> const result_predicate& { return never; },
               [](const auto& how) -> const result_predicate& { return how.if_result; }},
    how_);
}

std::vector<error> retry_strategy::mistakes(const std::string& thing) const {
  broken_rules found;
  if (enabled())
    found.require(max_attempts() > 0 && max_attempts() <= max_attempts_max, "max_attempts",
                  std::to_string(max_attempts()), "1 to 100000000 (the number of retries)");
  if (const auto* own = std::get_if<custom_delay>(&how_))
    found.require(own->delay != nullptr, "delay", "no function", "one that gives the wait before a retry");
  if (const auto* fixed = std::get_if<fixed_delay>(&how_))
    found.require(fixed->delay > duration{0}, "delay", fixed->delay, "> 0");
  if (const auto* how = std::get_if<exponential_delay>(&how_)) {
    found.require(how->initial > duration{0}, "initial", how->initial, "> 0");
    found.require(how->max >= how->initial, "max", how->max, ">= initial");
    found.require(std::isfinite(how->multiplier) && how->multiplier >= 1, "multiplier",
                  std::to_string(how->multiplier), ">= 1");
    found.require(how->jitter >= 0 && how->jitter <= 1, "jitter", std::to_string(how->jitter),
                  "in 0 to 1");
  }
  return found.errors(thing, "retry.");
}

} // namespace weir
