// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a checkpoint is: of which job and run, how the job was made up, what each instance says of
/// itself beside the records that it holds, and which files there are. A checkpoint is one because
/// its manifest is on the disk. Plain values; the functions are pure, any thread. docs/formats.md
/// has the fields' numbers. tests/serialization/manifest_test.cpp.

#include "weir/block_file.hpp"
#include "weir/error.hpp"
#include "weir/run_id.hpp"
#include "weir/source_state.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// At which point of a run a checkpoint was made.
enum class checkpoint_kind : std::uint8_t {
  /// Checkpoint 0: before the first record.
  begun = 1,
  running = 2,
  /// The last one before the job was stopped.
  stopped = 3,
  /// The last one of a job whose sources were ended early; what it holds is to be gone on with.
  drained = 4,
  /// All is done and visible: there is nothing to go on with. It holds no state.
  finished = 5,
};

enum class stage_role : std::uint8_t { source = 1, async_operator = 2, service = 3, sink = 4 };

/// A record type as it is stored.
struct stored_type_name {
  std::string name{};
  std::uint32_t version = 0;

  friend bool operator==(const stored_type_name&, const stored_type_name&) = default;
};

/// A setting's value is kept as a hash: it may be a secret.
struct setting_hash {
  std::string key{};
  std::uint64_t hash = 0;

  friend bool operator==(const setting_hash&, const setting_hash&) = default;
};

/// One stage of the job.
struct manifest_stage {
  std::string name{};
  stage_role role = stage_role::async_operator;
  std::uint32_t parallelism = 1;
  /// Of what it takes and of what it gives, where it has them.
  std::vector<stored_type_name> records{};
  /// Groups that keys are shared out in; 0 where its records have none.
  std::uint32_t key_groups = 0;
  /// Which file or table it reads or writes; empty: it does not say.
  std::string place{};
  /// In ascending order of keys.
  std::vector<setting_hash> settings{};

  friend bool operator==(const manifest_stage&, const manifest_stage&) = default;
};

enum class manifest_output : std::uint8_t { results = 0, dead_letters = 1 };
enum class manifest_partition : std::uint8_t { forward = 0, rebalance = 1, key = 2 };

/// From one stage to another; the numbers are places in `manifest::stages`.
struct manifest_edge {
  std::uint32_t from = 0;
  manifest_output output = manifest_output::results;
  std::uint32_t to = 0;
  manifest_partition how = manifest_partition::forward;

  friend bool operator==(const manifest_edge&, const manifest_edge&) = default;
};

/// How many entries an instance holds, by what becomes of them.
struct entry_counts {
  std::uint64_t running = 0;
  /// Taken in; their call is not yet made.
  std::uint64_t waits_for_call = 0;
  std::uint64_t backs_off = 0;
  std::uint64_t finished = 0;
  /// Watermarks and statuses between records.
  std::uint64_t borders = 0;
  /// Arrived, not taken in.
  std::uint64_t waiting_input = 0;

  std::uint64_t records() const noexcept {
    return running + waits_for_call + backs_off + finished + waiting_input;
  }

  friend bool operator==(const entry_counts&, const entry_counts&) = default;
};

struct named_count {
  std::string name{};
  std::uint64_t count = 0;

  friend bool operator==(const named_count&, const named_count&) = default;
};

/// Buckets that are not empty, in ascending order of their places.
struct named_histogram {
  std::string name{};
  std::vector<std::pair<std::uint32_t, std::uint64_t>> counts{};

  friend bool operator==(const named_histogram&, const named_histogram&) = default;
};

/// What an instance says of itself at a barrier, beside the records that it holds.
struct instance_summary {
  static constexpr std::size_t pending_bytes_max = 1024 * 1024;

  /// Of a source.
  std::vector<split_position> positions{};
  std::optional<source_times> times{};
  /// Of a sink: what it has made durable and not yet visible, in its own words; at most
  /// `pending_bytes_max`.
  std::string pending_output{};
  entry_counts entries{};
  /// Counted since the run began, in the order in which they are written.
  std::vector<named_count> counters{};
  /// Those of the user's function.
  std::vector<named_count> own_counters{};
  std::vector<named_histogram> histograms{};

  friend bool operator==(const instance_summary&, const instance_summary&) = default;
};

struct manifest_instance {
  /// Place in `manifest::stages`.
  std::uint32_t stage = 0;
  std::uint32_t instance = 0;
  instance_summary summary{};

  friend bool operator==(const manifest_instance&, const manifest_instance&) = default;
};

/// A file that lies beside the manifest.
struct manifest_file {
  /// Place in `manifest::stages`, whose state it is.
  std::uint32_t stage = 0;
  /// Without a folder.
  std::string name{};
  block_file_sums sums{};

  friend bool operator==(const manifest_file&, const manifest_file&) = default;
};

struct manifest {
  /// Of the weir that wrote it; for people.
  std::string weir_version{};
  std::string job{};
  run_id run{};
  std::uint64_t run_number = 0;
  std::uint64_t checkpoint = 0;
  checkpoint_kind kind = checkpoint_kind::running;
  /// With `begun`: what an earlier run has left visible is removed before this one shows anything.
  bool removes_old_output = false;
  /// Milliseconds since 1970-01-01T00:00:00Z, by the system's clock.
  std::int64_t made_at_ms = 0;
  /// From its barrier to its manifest.
  duration took{};
  std::vector<manifest_stage> stages{};
  std::vector<manifest_edge> edges{};
  /// In ascending order of stages and instances.
  std::vector<manifest_instance> instances{};
  std::vector<manifest_file> files{};

  friend bool operator==(const manifest&, const manifest&) = default;
};

/// Equal manifests give equal bytes. Errors have the kind `argument`: a position or pending output
/// is larger than it may be.
expected<std::string> encode_manifest(const manifest& what);

/// Takes bytes that nobody has to have written. `path`: for errors, which are `damaged` or, for a
/// field that a newer weir has written and that must be understood, `incompatible`.
expected<manifest> decode_manifest(std::string_view bytes, const std::string& path);

/// Writes the file MANIFEST into an open folder, to the disk. `path`: of the file. Errors: `io`,
/// `argument`.
expected<block_file_sums> write_manifest(const std::shared_ptr<file_system>& on, int folder,
                                         const std::string& path, const manifest& what);

/// Reads the file MANIFEST of an open folder, which must be that of checkpoint `checkpoint`.
/// Errors: `io`, `damaged`, `incompatible`.
expected<manifest> read_manifest(const std::shared_ptr<file_system>& on, int folder,
                                 const std::string& path, std::uint64_t checkpoint);

} // namespace weir
