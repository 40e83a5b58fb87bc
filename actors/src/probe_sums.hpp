// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Adds what the probes of a stage's instances have counted.

#include "weir/job_status.hpp"
#include "weir/probes.hpp"

#include <cstdint>
#include <string>

namespace weir {

inline void add_probe(operator_status& to, const operator_probe& of) {
  to.records_in += of.records_in.value();
  to.records_finished += of.records_finished.value();
  to.records_out += of.records_out.value();
  to.calls += of.calls.value();
  to.retries += of.retries.value();
  to.timeouts += of.timeouts.value();
  to.dropped += of.dropped.value();
  to.dead_letters += of.dead_letters.value();
  to.late_completions += of.late_completions.value();
  to.blocking_calls += of.blocking_calls.value();
  to.queued += of.queued.value();
  to.in_flight += of.in_flight.value();
  to.call_duration += of.call_duration.read();
  of.own.read([&](const std::string& name, std::uint64_t count) { to.own_counters[name] += count; });
}

} // namespace weir
