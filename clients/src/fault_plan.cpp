// SPDX-License-Identifier: Apache-2.0

#include "weir/fault_plan.hpp"

#include <cmath>

namespace weir {

expected<void> check(const fault_settings& settings, const std::string& pool) {
  const auto wrong = [&](std::string rule) {
    return error{error_kind::argument, pool, "faults: " + std::move(rule)};
  };
  if (settings.latency_min < duration::zero())
    return wrong("latency must not be negative");
  if (settings.latency_max < settings.latency_min)
    return wrong("the greatest latency must not be less than the least");
  // Written so that NaN breaks the rule.
  if (!(settings.errors >= 0 && settings.errors <= 1))
    return wrong("errors is " + std::to_string(settings.errors) + ", but must be from 0 to 1");
  if (!(settings.hangs >= 0 && settings.hangs <= 1))
    return wrong("hangs is " + std::to_string(settings.hangs) + ", but must be from 0 to 1");
  if (settings.errors + settings.hangs > 1)
    return wrong("errors and hangs are together more than 1");
  return {};
}

fault_plan::decision fault_plan::next() noexcept {
  const auto chance = draw();
  const auto place = draw();
  decision result;
  if (chance < settings_.hangs)
    result.what = fate::hang;
  else if (chance < settings_.hangs + settings_.errors)
    result.what = fate::fail;
  const auto width = static_cast<double>((settings_.latency_max - settings_.latency_min).count());
  result.latency
    = settings_.latency_min + duration{static_cast<duration::rep>(std::floor(place * (width + 1)))};
  return result;
}

double fault_plan::draw() noexcept {
  // SplitMix64: the same numbers with every standard library, and any seed is a good one.
  state_ += 0x9e3779b97f4a7c15U;
  auto z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
  z ^= z >> 31;
  return static_cast<double>(z >> 11) * 0x1.0p-53;
}

} // namespace weir
