// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What `weir run --validate` says about a job file without mistakes: settings that cannot do what they
/// seem to, how it outlives failures, and what each lookup's settings allow at most. Pure functions; any thread.

#include "job_file.hpp"

#include "weir/driver_registry.hpp"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool {

/// The first retry that can never begin, since the waits before it use up the timeout; nothing where
/// all of them can.
std::optional<std::uint32_t> first_retry_too_late(const retry_strategy& retry, duration timeout);

/// Settings that are allowed but cannot work as they seem to, each a sentence that names the key.
std::vector<std::string> warnings(const job_file& job);

/// What follows a failure, in words: of the default where the job file says nothing.
std::string restart_text(const job_file& job);

/// How many records' calls of a lookup run at once at most.
struct concurrency {
  /// max_concurrent_calls, over all parallel instances.
  std::size_t calls = 0;
  /// What the pool's driver lets run at once.
  std::size_t permits = 0;
  /// Lookups that ask the pool, each of them once for a record.
  std::size_t lookups = 1;

  /// This lookup's part of the permits.
  double share() const { return static_cast<double>(permits) / static_cast<double>(lookups); }
  double least() const { return std::min(static_cast<double>(calls), share()); }
};

concurrency concurrency_of(const lookup_section& lookup, const job_file& job,
                           const driver_registry& drivers);

/// Records a second, if each call to the pool takes `latency`.
double throughput_max(const concurrency& of, duration latency);

/// The whole report, several lines.
std::string validate_report(const job_file& job, const std::string& path,
                            const driver_registry& drivers);

} // namespace weir::tool
