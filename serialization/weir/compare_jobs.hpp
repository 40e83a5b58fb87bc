// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether a job may go on from a checkpoint: the job that made it may have been changed since. Settings
/// may change; what would lose records, call for them twice without a word, or read them as something else
/// may not. Pure functions; any thread. tests/serialization/compare_jobs_test.cpp has a test for each rule.

#include "weir/error.hpp"
#include "weir/manifest.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// How a job is made up.
struct job_description {
  std::string job;
  std::vector<manifest_stage> stages{};
  /// In the order of `stages`: for each of a stage's record types the oldest version that this program
  /// reads.
  std::vector<std::vector<std::uint32_t>> oldest{};
  std::vector<manifest_edge> edges{};
};

struct job_changes {
  /// Why it may not go on, each with the ways out. Empty: it may.
  std::vector<error> refusals{};
  /// What is allowed but may surprise: records that miss something, or that keep what they have. A line
  /// each.
  std::vector<std::string> warnings{};
  /// Everything else that has changed. A line each.
  std::vector<std::string> notes{};
  /// Whether stages, edges or a parallelism have changed, so that records come another way.
  bool reshaped = false;
};

/// Compares the job of a checkpoint, which is not a finished one, with the job that is to go on from it.
/// `drop_state`: operators of the checkpoint, and sinks that the job no longer has, whose state is to be
/// let go. Errors have the kind `incompatible`; for a name in `drop_state` that is none of these, `argument`.
job_changes compare_jobs(const manifest& from, const job_description& to,
                         const std::vector<std::string>& drop_state = {});

/// A setting as it stands in a manifest.
setting_hash hashed_setting(std::string key, const std::string& value);

} // namespace weir
