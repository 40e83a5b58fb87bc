// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What `weir run` says at the end of a job, for people and for programs. Every record that was read is
/// in exactly one of: out, dropped, dead letters, skipped, let go (with a lookup's state), left behind (which
/// is what was under way when the job ended before its input). Pure functions and values; any thread.

#include "job_file.hpp"

#include "weir/histogram.hpp"
#include "weir/job_start.hpp"
#include "weir/job_status.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool {

struct lookup_summary {
  std::string name;
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  std::uint64_t calls = 0;
  std::uint64_t misses = 0;
  std::uint64_t retries = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t dropped = 0;
  std::uint64_t dead_letters = 0;
  /// Bad records that were left out.
  std::uint64_t skipped = 0;
  histogram::snapshot call_duration;

  lookup_summary& operator+=(const lookup_summary& other);
};

/// Where the output is.
struct output_place {
  /// A folder, or `standard output`.
  std::string path;
  /// Visible part files.
  std::vector<std::string> parts;
  /// What was written was removed.
  bool removed = false;
};

/// With checkpoints.
struct checkpoints_summary {
  std::uint64_t run = 0;
  std::optional<std::uint64_t> restored_from;
  /// By this start.
  std::uint64_t completed = 0;
  std::uint64_t failed = 0;
  /// What the next start goes on from, and how many records it holds.
  std::optional<std::uint64_t> newest;
  std::uint64_t held = 0;
};

/// Counts are those of the whole run, over all starts that went on from a checkpoint.
struct run_summary {
  std::string job;
  job_end end = job_end::done;
  /// It had come to its end before: there was nothing to do.
  bool was_finished = false;
  /// Of this start.
  duration took{};
  std::uint64_t records_in = 0;
  std::uint64_t records_out = 0;
  /// Of these, those that had come out before this start.
  std::uint64_t records_out_before = 0;
  /// By the source and by lookups.
  std::uint64_t skipped = 0;
  std::uint64_t dead_letters = 0;
  /// With the state of lookups.
  std::uint64_t let_go = 0;
  std::uint64_t left_behind = 0;
  /// Bytes of the input.
  std::uint64_t read_bytes = 0;
  std::optional<std::uint64_t> total_bytes;
  std::vector<lookup_summary> lookups;
  /// The sum of all lookups, also of what was dropped or became dead letters in those that are no longer in the job.
  lookup_summary all;
  output_place output;
  /// Paths that dead letters were written to; with checkpoints, those of visible parts.
  std::vector<std::string> dead_letter_files;
  std::optional<checkpoints_summary> checkpoints;
  /// How often it has started again inside the process.
  std::uint64_t restarts = 0;
  /// Why it failed, a line each.
  std::vector<std::string> why;

  /// That came out of this start, as the progress line counts them.
  double records_per_second() const;
};

/// The lines that say why a job failed.
std::vector<std::string> reasons(const job_file& job, const job_result& result);

run_summary summarize(const job_file& job, const job_status& status, const job_result& result,
                      const job_start& how = {});

/// Of a job that failed before it was started; what an earlier run has left is not its output. `why`: a line
/// each.
run_summary summarize_not_started(const job_file& job, std::vector<std::string> why);

/// For people, several lines.
std::string summary_text(const run_summary& of);

/// One JSON object and a line end; docs/job-file.md names its members.
std::string summary_json(const run_summary& of);

} // namespace weir::tool
