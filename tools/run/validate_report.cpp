// SPDX-License-Identifier: Apache-2.0
#include "validate_report.hpp"

#include "duration_text.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

constexpr duration latencies[] = {1ms, 10ms, 100ms};

void warn_of_retries(const lookup_section& lookup, std::vector<std::string>& all) {
  const auto late = first_retry_too_late(lookup.retry, lookup.timeout);
  if (!late)
    return;
  const auto last = lookup.retry.max_attempts();
  all.push_back("lookup." + lookup.name + ".retry: "
                + (*late == last ? "retry " + std::to_string(last)
                                 : "retries " + std::to_string(*late) + " to "
                                     + std::to_string(last))
                + " cannot begin: the waits before use up the timeout of "
                + exact_text(lookup.timeout) + "; raise timeout, or lower the delays");
}

void warn_of_unused(const job_file& job, std::vector<std::string>& all) {
  for (std::size_t i = 0; i < job.pools.size(); ++i)
    if (std::none_of(job.lookups.begin(), job.lookups.end(),
                     [&](const lookup_section& lookup) { return lookup.pool == i; }))
      all.push_back("pool." + job.pools[i].name + ": no lookup asks it");
}

void warn_of_hangs(const lookup_section& lookup, const job_file& job,
                   std::vector<std::string>& all) {
  const auto& faults = job.pools[lookup.pool].faults;
  if (lookup.timeout == 0ns && faults && faults->hangs > 0)
    all.push_back("lookup." + lookup.name
                  + ".timeout: is 0, so a call that hangs (pool." + job.pools[lookup.pool].name
                  + ".faults.hangs) holds its record for ever");
}

/// What sets the bound.
std::string at_once_text(const concurrency& of, const std::string& pool) {
  if (static_cast<double>(of.calls) <= of.share())
    return std::to_string(of.calls) + " at once: max_concurrent_calls";
  return std::to_string(of.permits) + " at once: the connections of pool." + pool
         + (of.lookups == 1 ? "" : ", which " + std::to_string(of.lookups) + " lookups share");
}

} // namespace

std::optional<std::uint32_t> first_retry_too_late(const retry_strategy& retry, duration timeout) {
  if (!retry.enabled() || timeout == 0ns)
    return std::nullopt;
  // With jitter, the shortest waits that chance may give.
  constexpr double most_taken_off = 1;
  duration waited{0};
  for (std::uint32_t n = 1; n <= retry.max_attempts(); ++n) {
    const auto delay = retry.delay(n, most_taken_off);
    if (delay >= timeout - waited)
      return n;
    waited += delay;
  }
  return std::nullopt;
}

std::vector<std::string> warnings(const job_file& job) {
  std::vector<std::string> all;
  for (const auto& lookup : job.lookups) {
    warn_of_retries(lookup, all);
    warn_of_hangs(lookup, job, all);
  }
  warn_of_unused(job, all);
  return all;
}

concurrency concurrency_of(const lookup_section& lookup, const job_file& job,
                           const driver_registry& drivers) {
  const auto& pool = job.pools[lookup.pool];
  const auto driver = drivers.make({pool.name, pool.url, {pool.connections}});
  const auto sharing = std::count_if(job.lookups.begin(), job.lookups.end(),
                                     [&](const auto& each) { return each.pool == lookup.pool; });
  return {lookup.max_concurrent_calls * job.parallelism, driver ? (*driver)->permits() : 0,
          static_cast<std::size_t>(sharing)};
}

double throughput_max(const concurrency& of, duration latency) {
  return of.least() * 1e9 / static_cast<double>(latency.count());
}

std::string validate_report(const job_file& job, const std::string& path,
                            const driver_registry& drivers) {
  auto report = path + ": no mistakes\n";
  for (const auto& each : warnings(job))
    report += "warning: " + each + "\n";
  if (!job.lookups.empty())
    report += "\nAt most so many records a second, by how long a call takes:\n";
  for (const auto& lookup : job.lookups) {
    const auto of = concurrency_of(lookup, job, drivers);
    report += "lookup." + lookup.name + ": ";
    for (const auto latency : latencies)
      report += grouped_text(static_cast<std::uint64_t>(std::llround(throughput_max(of, latency))))
                + "/s at " + exact_text(latency) + (latency == latencies[2] ? "" : ", ");
    report += "  (" + at_once_text(of, job.pools[lookup.pool].name) + ")\n";
  }
  return report;
}

} // namespace weir::tool
