// SPDX-License-Identifier: Apache-2.0
#include "plan_text.hpp"

#include "duration_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace weir::tool {

namespace {

std::string bytes_text(std::uint64_t bytes) {
  constexpr std::pair<double, const char*> units[] = {{0x1p30, "GiB"}, {0x1p20, "MiB"}, {0x1p10, "KiB"}};
  char text[32];
  for (const auto& [size, unit] : units)
    if (static_cast<double>(bytes) >= size) {
      std::snprintf(text, sizeof(text), "%.3g %s", static_cast<double>(bytes) / size, unit);
      return text;
    }
  return std::to_string(bytes) + " B";
}

std::string padded(std::string text, std::size_t width, bool to_the_right = false) {
  const std::string space(width > text.size() ? width - text.size() : 0, ' ');
  return to_the_right ? space + text : text + space;
}

std::uint64_t calls_needed(const sizing& of) {
  return static_cast<std::uint64_t>(std::clamp(std::ceil(of.calls), 1.0, 1e15));
}

} // namespace

std::string sizing_text(const expected_load& load, const sizing& of) {
  std::string text = "rate " + number_text(load.rate) + " records/s, calls of " + rounded_text(load.latency) + ", the slowest of " + rounded_text(load.slowest);
  if (load.retry_share > 0)
    text += ", " + number_text(100 * load.retry_share) + " % of the records retried for " + rounded_text(load.retry_time);
  text += "\n\n  mode            capacity      memory  records held\n";
  for (const auto& each : of.modes) {
    text += "  " + padded(name_of(each.mode), 12);
    if (each.held)
      text += padded(grouped_text(each.capacity), 12, true) + padded(bytes_text(each.bytes), 12, true) + "  ";
    else
      text += padded("none", 12, true) + padded("-", 12, true) + "  ";
    text += each.formula + "\n";
  }
  text += "\n  calls at once   " + grouped_text(calls_needed(of)) + "  (rate x (1 + retry share) x latency = "
          + number_text(of.calls) + "): max_concurrent_calls, and connections of a client that blocks\n";
  text += "  parallelism     " + grouped_text(of.parallelism) + "  (an instance is trusted with "
          + grouped_text(static_cast<std::uint64_t>(instance_rate)) + " records/s)\n";
  if (of.parallelism > 1)
    text += "\nCapacity and calls are those of all instances together; settings are of each.\n";
  return text;
}

std::string sizing_json(const sizing& of) {
  auto all = nlohmann::ordered_json::object();
  all["calls"] = calls_needed(of);
  all["parallelism"] = of.parallelism;
  auto& modes = all["modes"] = nlohmann::ordered_json::array();
  for (const auto& each : of.modes) {
    auto& next = modes.emplace_back();
    next["mode"] = name_of(each.mode);
    next["capacity"] = each.held ? nlohmann::ordered_json(each.capacity) : nlohmann::ordered_json(nullptr);
    next["bytes"] = each.held ? nlohmann::ordered_json(each.bytes) : nlohmann::ordered_json(nullptr);
    next["formula"] = each.formula;
  }
  return all.dump() + "\n";
}

} // namespace weir::tool
