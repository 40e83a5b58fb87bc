// SPDX-License-Identifier: Apache-2.0
#include "sizing.hpp"

#include "duration_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

namespace weir::tool {

namespace {

double seconds(duration d) {
  return static_cast<double>(d.count()) / 1e9;
}

std::string rate_text(double rate) {
  return number_text(rate) + "/s";
}

std::optional<error> fault_of(const expected_load& load) {
  const auto wrong = [](std::string what, std::string rule) {
    return error{error_kind::argument, std::move(what), std::move(rule)};
  };
  if (!(load.rate > 0) || load.rate > 1e12)
    return wrong("rate", "must be records a second, more than 0 and at most 10^12");
  if (load.latency <= duration{0})
    return wrong("latency", "must be more than 0");
  if (load.slowest < load.latency)
    return wrong("slowest", "must not be less than the latency, which is " + rounded_text(load.latency));
  if (!(load.retry_share >= 0 && load.retry_share <= 1))
    return wrong("retry share", "must be from 0 to 1, or from 0% to 100%");
  if (load.retry_share > 0 && load.retry_time <= duration{0})
    return wrong("retry time", "must be given, and more than 0, where there is a retry share: how long it is on average "
                               "from a failure until the last call begins");
  if (load.keys == 0)
    return wrong("keys", "must be 1 or more");
  return std::nullopt;
}

/// What is held where each record is held until its own result is there.
std::pair<double, std::string> held_by_itself(const expected_load& load) {
  const auto in_calls = load.rate * seconds(load.latency);
  auto formula = "rate x latency = " + rate_text(load.rate) + " x " + rounded_text(load.latency);
  if (load.retry_share == 0)
    return {in_calls, formula};
  const auto in_retries = load.rate * load.retry_share * seconds(load.retry_time);
  return {in_calls + in_retries,
          "rate x latency + rate x retry share x retry time = " + number_text(in_calls) + " + "
            + number_text(in_retries)};
}

mode_size ordered_size(const expected_load& load) {
  mode_size of{output_mode::ordered, {}, {}, 0, 0};
  const bool has_retries = load.retry_share > 0;
  const auto longest = load.slowest + (has_retries ? load.retry_time : duration{0});
  of.held = load.rate * seconds(longest);
  of.formula = std::string{"rate x "} + (has_retries ? "(slowest call + retry time)" : "slowest call") + " = "
               + rate_text(load.rate) + " x " + rounded_text(longest);
  return of;
}

mode_size unordered_size(const expected_load& load) {
  auto [held, formula] = held_by_itself(load);
  return {output_mode::unordered, held, std::move(formula), 0, 0};
}

mode_size key_ordered_size(const expected_load& load) {
  mode_size of{output_mode::key_ordered, {}, {}, 0, 0};
  const auto keys = static_cast<double>(*load.keys);
  const auto once = seconds(load.latency);
  const auto again = once + seconds(load.retry_time);
  const auto mean = (1 - load.retry_share) * once + load.retry_share * again;
  const auto mean_square = (1 - load.retry_share) * once * once + load.retry_share * again * again;
  const auto key_rate = load.rate / keys;
  const auto busy = key_rate * mean;
  if (busy >= 1) {
    of.formula = "a key has " + rate_text(key_rate) + " and carries at most 1 / (latency + retry share x retry time) = "
                 + rate_text(1 / mean);
    return of;
  }
  const auto waiting = keys * key_rate * key_rate * mean_square / (2 * (1 - busy));
  auto [held, formula] = held_by_itself(load);
  of.held = held + waiting;
  of.formula = "as unordered, and behind their key rate^2 / keys x mean of held^2 / (2 (1 - busy)) = "
               + number_text(held) + " + " + number_text(waiting) + " (a key is busy for "
               + number_text(100 * busy) + " % of the time)";
  return of;
}

} // namespace

std::string number_text(double x) {
  if (x >= 1000)
    return grouped_text(static_cast<std::uint64_t>(std::llround(x)));
  char text[32];
  std::snprintf(text, sizeof(text), "%.3g", x);
  return text;
}

expected<sizing> size_for(const expected_load& load) {
  if (auto fault = fault_of(load))
    return *std::move(fault);
  sizing all;
  all.calls = load.rate * (1 + load.retry_share) * seconds(load.latency);
  all.parallelism = static_cast<std::uint32_t>(std::max(1.0, std::ceil(load.rate / instance_rate)));
  all.modes = {unordered_size(load), ordered_size(load)};
  if (load.keys)
    all.modes.push_back(key_ordered_size(load));
  for (auto& each : all.modes) {
    if (!each.held)
      continue;
    // Beyond that memory is not the question any more.
    each.capacity = static_cast<std::uint64_t>(std::clamp(std::ceil(*each.held), 1.0, 1e15));
    each.bytes = each.capacity * (entry_bytes + load.record_bytes);
  }
  return all;
}

} // namespace weir::tool
