// SPDX-License-Identifier: Apache-2.0
#include "operator_counters.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace weir {

namespace {

struct stored_counter {
  std::string_view name;
  counter operator_probe::*of;
};

constexpr stored_counter counters[] = {
  {"records_in", &operator_probe::records_in},
  {"records_finished", &operator_probe::records_finished},
  {"records_out", &operator_probe::records_out},
  {"sent", &operator_probe::sent},
  {"calls", &operator_probe::calls},
  {"retries", &operator_probe::retries},
  {"timeouts", &operator_probe::timeouts},
  {"dropped", &operator_probe::dropped},
  {"dead_letters", &operator_probe::dead_letters},
  {"late_completions", &operator_probe::late_completions},
  {"blocking_calls", &operator_probe::blocking_calls},
};

constexpr std::string_view call_duration = "call_duration";

} // namespace

void write_counters(instance_summary& to, const operator_probe& of) {
  for (const auto& each : counters)
    to.counters.push_back({std::string{each.name}, (of.*each.of).value()});
  of.own.read([&](const std::string& name, std::uint64_t count) {
    to.own_counters.push_back({name, count});
  });
  // Not in the order in which they came to be.
  std::sort(to.own_counters.begin(), to.own_counters.end(),
            [](const named_count& a, const named_count& b) { return a.name < b.name; });
  auto& durations = to.histograms.emplace_back();
  durations.name = call_duration;
  of.call_duration.read().read([&](std::size_t bucket, std::uint64_t count) {
    durations.counts.emplace_back(static_cast<std::uint32_t>(bucket), count);
  });
}

void read_counters(const instance_summary& from, operator_probe& to) {
  for (const auto& each : from.counters)
    for (const auto& known : counters)
      if (each.name == known.name)
        (to.*known.of).set(each.count);
  for (const auto& each : from.own_counters)
    to.own.find(each.name).set(each.count);
  for (const auto& each : from.histograms)
    if (each.name == call_duration)
      for (const auto& [bucket, count] : each.counts)
        to.call_duration.add(bucket, count);
}

} // namespace weir
