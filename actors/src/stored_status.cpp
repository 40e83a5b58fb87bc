// SPDX-License-Identifier: Apache-2.0
#include "stored_status.hpp"

#include "operator_counters.hpp"
#include "probe_sums.hpp"

#include "weir/probes.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace weir {

namespace {

std::uint64_t count_in(const instance_summary& of, std::string_view name) {
  for (const auto& each : of.counters)
    if (each.name == name)
      return each.count;
  return 0;
}

} // namespace

job_status status_in(const manifest& of) {
  job_status all;
  all.gone = gone_in(of);
  for (std::size_t i = 0; i < of.stages.size(); ++i) {
    const auto& stage = of.stages[i];
    source_status source;
    operator_status operation;
    sink_status sink;
    source.name = operation.name = sink.name = stage.name;
    for (const auto& instance : of.instances) {
      if (instance.stage != i)
        continue;
      const auto& from = instance.summary;
      source.records_out += count_in(from, "records_out");
      source.skipped += count_in(from, "skipped");
      source.dead_letters += count_in(from, "dead_letters");
      sink.records_in += count_in(from, "records_in");
      operator_probe probe;
      read_counters(from, probe);
      add_probe(operation, probe);
    }
    switch (stage.role) {
      case stage_role::source:
        all.sources.push_back(std::move(source));
        break;
      case stage_role::sink:
        all.sinks.push_back(std::move(sink));
        break;
      case stage_role::async_operator:
      case stage_role::service:
        all.operators.push_back(std::move(operation));
        break;
    }
  }
  return all;
}

std::uint64_t held_in(const manifest& of) {
  std::uint64_t sum = 0;
  for (const auto& each : of.instances)
    sum += each.summary.entries.records();
  return sum;
}

} // namespace weir
