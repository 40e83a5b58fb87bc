// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A job file as plain values, checked: what `weir run` builds its job from. Reading finds all mistakes
/// at once, each with its place, key, value and rule, so that a person corrects them in one go. Paths
/// come out relative to the job file's folder. docs/job-file.md describes the keys. Plain functions and
/// values; any thread.

#include "mistake.hpp"

#include "weir/checkpoint_schedule.hpp"
#include "weir/driver_registry.hpp"
#include "weir/fault_plan.hpp"
#include "weir/held_record.hpp"
#include "weir/ndjson_source.hpp"
#include "weir/operator_options.hpp"
#include "weir/restart_strategy.hpp"
#include "weir/retry_strategy.hpp"
#include "weir/time.hpp"
#include "weir/watermark_strategy.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool {

/// Names of the stages that each job has.
inline constexpr const char* source_stage_name = "source";
inline constexpr const char* sink_stage_name = "sink";
/// The stage that writes another stage's dead letters: this, and that one's name.
inline constexpr const char* dead_letters_stage_prefix = "dead letters of ";

/// How the rows of an answer become a value.
enum class row_form : std::uint8_t { one, all };

/// What becomes of a record for which a lookup found nothing.
enum class miss_action : std::uint8_t { null, drop, fail };

/// What becomes of a record whose timeout has passed.
enum class timeout_action : std::uint8_t { fail, null, drop };

struct source_section {
  ndjson_source_options options;
  /// Never of the kind `generated`.
  watermark_strategy watermarks;
  /// Only with `bad_record_action::dead_letter`, else empty.
  std::string dead_letter;

  bool is_standard_input() const { return options.path == "-"; }
};

struct pool_section {
  std::string name;
  store_url url;
  std::size_t connections = 2;
  /// Options of this kind of store.
  driver_options more;
  /// Path of the store; empty where it is no file.
  std::string file;
  std::optional<fault_settings> faults;

  driver_settings settings() const { return {name, url, {connections}, more, {}}; }
};

struct lookup_section {
  std::string name;
  /// Index into `job_file::pools`.
  std::size_t pool = 0;
  /// Empty where the kind of store has none.
  std::string query;
  /// Options of the kind of store that it asks.
  driver_options more;
  std::vector<std::string> key;
  row_form rows = row_form::one;
  std::string into;
  output_mode mode = output_mode::ordered;
  /// In the mode `key_ordered`: the fields that records are kept in order by; else empty.
  std::vector<std::string> order_key;
  duration timeout{};
  std::size_t capacity = 100;
  std::size_t max_concurrent_calls = 100;
  std::size_t capacity_bytes = operator_options{}.capacity_bytes;
  duration blocking_warning = operator_options{}.blocking_warning;
  retry_strategy retry;
  /// Whether a miss is asked for again.
  bool retries_misses = false;
  timeout_action on_timeout = timeout_action::fail;
  miss_action on_miss = miss_action::null;
  failure_action on_failure = failure_action::fail_job;
  /// For kinds of errors that are not treated as `on_failure` says; none of a kind that `on_miss`,
  /// `on_timeout` or `source.on_bad_record` decides on.
  std::vector<failure_rule> failure_rules;
  /// A file ends while calls run: those that fail are worth their retries like all before them.
  end_policy at_end = end_policy::keep_retrying;
  /// Only where `on_failure` or a rule is `failure_action::dead_letter`, else empty.
  std::string dead_letter;

  statement_declaration statement() const { return {query, key.size(), more}; }
};

struct sink_section {
  /// A folder, or `-` for standard output.
  std::string path;
  std::uint32_t parallelism = 1;

  bool is_standard_output() const { return path == "-"; }
};

struct checkpoints_section {
  /// The folder of a `directory_store`.
  std::string directory;
  checkpoint_timing timing;
  /// So many of the newest checkpoints are kept. >= 1.
  std::size_t keep = 2;
  restore_mode on_restore = restore_mode::resume;
};

struct job_file {
  /// Where it was read from.
  std::string path;
  std::string name;
  std::uint32_t parallelism = 1;
  duration drain_timeout = std::chrono::seconds{30};
  source_section source;
  std::vector<pool_section> pools;
  std::vector<lookup_section> lookups;
  sink_section sink;
  /// Absent: nothing is stored. Never with standard input.
  std::optional<checkpoints_section> checkpoints;
  /// Absent: the file says nothing, and the default holds. With standard input never one that restarts.
  std::optional<restart_strategy> restart;
};

struct loaded_job {
  /// Complete only where there are no mistakes.
  job_file job;
  /// In the order of the file, those of `--set` last.
  std::vector<mistake> mistakes;
};

/// Reads the job file at `path`. `overrides`: each `KEY=VALUE` takes the place of a key before anything
/// is checked; the value is TOML, or else a string. `drivers` knows which urls a pool may have.
loaded_job load_job_file(const std::string& path, const std::vector<std::string>& overrides,
                         const driver_registry& drivers);

/// As `load_job_file`, with the file's content.
loaded_job parse_job_file(const std::string& content, const std::string& path,
                          const std::vector<std::string>& overrides,
                          const driver_registry& drivers);

} // namespace weir::tool
