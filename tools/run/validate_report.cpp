// SPDX-License-Identifier: Apache-2.0
#include "validate_report.hpp"

#include "duration_text.hpp"

#include "weir/job_plan.hpp"
#include "weir/json_writer.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <variant>

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

void warn_of_repeated_output(const job_file& job, std::vector<std::string>& all) {
  if (job.checkpoints && job.sink.is_standard_output())
    all.emplace_back("sink.path: is standard output, where records that came out after a checkpoint come "
                     "again when the job goes on from it; in a folder each is there once");
}

/// Puts a restart strategy into words.
struct restart_words {
  bool has_checkpoints;

  std::string operator()(std::monostate) const { return "none: the first failure is final"; }

  std::string operator()(const fixed_delay_restart& how) const {
    return "fixed delay: " + exact_text(how.delay) + " before each restart, at most "
           + counted_text(how.max_restarts, "restart") + " in all";
  }

  std::string operator()(const exponential_delay_restart& how) const {
    std::string multiplier;
    append_json_number(multiplier, how.multiplier);
    return "exponential delay: " + exact_text(how.initial) + " before the first restart, then "
           + multiplier + " times as long each time, up to " + exact_text(how.max) + "; at most "
           + counted_text(how.max_restarts, "restart")
           + (has_checkpoints ? " without a completed checkpoint between them" : " in all");
  }

  std::string operator()(const failure_rate_restart& how) const {
    return "failure rate: " + exact_text(how.delay) + " before each restart; "
           + counted_text(how.failures, "failure") + " within " + exact_text(how.per)
           + (how.failures == 1 ? " is borne" : " are borne") + ", one more is final";
  }
};

std::string failures_text(const checkpoint_timing& timing) {
  const auto& most = timing.tolerated_failures;
  if (!most)
    return "the job bears any number of failed ones";
  if (*most == 0)
    return "the first that fails, fails the job";
  return "the job bears " + grouped_text(*most) + " failed in a row, one more fails it";
}

std::string checkpoints_text(const checkpoints_section& how) {
  const auto& timing = how.timing;
  auto text = "checkpoints.directory: " + how.directory + "\n";
  text += "checkpoints.interval: one each " + exact_text(timing.interval);
  if (timing.min_pause > 0ns)
    text += ", at least " + exact_text(timing.min_pause) + " behind the end of the one before";
  text += "\ncheckpoints.timeout: one that is under way for " + exact_text(timing.timeout)
          + " has failed; " + failures_text(timing) + "\n";
  text += "checkpoints.keep: the newest" + (how.keep == 1 ? "" : " " + grouped_text(how.keep)) + "\n";
  return text + "checkpoints.on_restore: "
         + (how.on_restore == restore_mode::resume
              ? "finished records need no new call, the others have the attempts and the time that "
                "they had left"
              : "every record that was not out is called as if it had just come in")
         + "\n";
}

/// Empty where the job file has neither table.
std::string outliving_text(const job_file& job) {
  if (!job.checkpoints && !job.restart)
    return {};
  return "\nWhat follows a failure:\n" + (job.checkpoints ? checkpoints_text(*job.checkpoints) : "")
         + "restart: " + restart_text(job) + "\n";
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
  warn_of_repeated_output(job, all);
  return all;
}

std::string restart_text(const job_file& job) {
  job_plan plan;
  plan.restart = job.restart;
  if (job.checkpoints)
    plan.checkpoints.emplace();
  const auto how = plan.restarts();
  auto text = std::visit(restart_words{job.checkpoints.has_value()}, how.how());
  if (!job.restart)
    text += job.checkpoints ? " (the default with [checkpoints])"
                            : " (the default without [checkpoints])";
  else if (how.enabled() && !job.checkpoints)
    text += "; each begins at the begin of the input, since there is no [checkpoints]";
  return text;
}

concurrency concurrency_of(const lookup_section& lookup, const job_file& job,
                           const driver_registry& drivers) {
  const auto& pool = job.pools[lookup.pool];
  const auto driver = drivers.make(pool.settings());
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
  report += outliving_text(job);
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
