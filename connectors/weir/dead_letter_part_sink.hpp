// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Dead letters of a job with checkpoints, in two phases as its results: in part files that become
/// visible with the checkpoint that they belong to, so that each letter is there once however often the
/// job fails. They are named after the file that was asked for: with `bad.ndjson` they lie beside it and
/// are called `bad-<checkpoint, 10 digits>-<stage>-<instance, 4 digits>.ndjson`, so several stages may
/// name one file. `dead_letter_file.hpp` has what jobs without checkpoints write, and the lines.

#include "weir/dead_letter_file.hpp"
#include "weir/file_system.hpp"
#include "weir/sink.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// Which dead letters go where.
struct dead_letter_paths {
  /// Empty: none but bad records come.
  std::string letters{};
  /// Where those of the kind `bad_record` go, if not to `letters`.
  std::string bad_records{};
};

/// Keeps other runs from writing dead letters with the same path; held as long as the object lives. It
/// is a file beside them, `.bad.ndjson.lock` (also of `bad`, whose parts have the same names), which
/// stays. Some network file systems know no locks: there it holds nothing back. A device (/dev/null) may
/// be written to by any number of runs.
class dead_letter_lock {
public:
  /// Errors have the kind `io` and name the path: no folder, no file, in use by another run.
  static expected<dead_letter_lock> take(const std::string& path,
                                         const std::shared_ptr<file_system>& on = posix_files());

private:
  explicit dead_letter_lock(owned_fd file) : file_(std::move(file)) {}

  owned_fd file_;
};

/// Where dead letters of jobs lie that have this path: parts of all stages, visible and hidden, and the file
/// that a job without checkpoints writes. Paths in the order of their names. All of them may go when a run
/// begins. Errors have the kind `io` and name the path.
expected<std::vector<std::string>> dead_letter_files(
  const std::string& path, const std::shared_ptr<file_system>& on = posix_files());

/// Writes the dead letters of one stage's instance; used by one thread at a time. Who starts the job
/// holds a `dead_letter_lock` for each path. To a device the letters go at once, so over a failure some
/// go twice. Errors are those of `part_file_sink`.
class dead_letter_part_sink final : public sink<dead_letter<json_record>> {
public:
  /// `stage`: who gave the records up; no two sinks of a job may have one stage and one path. `file`:
  /// name of the source's file. `on`: whose files.
  dead_letter_part_sink(dead_letter_paths to, std::string stage, std::string file,
                        std::shared_ptr<file_system> on = posix_files());
  ~dead_letter_part_sink() override;

  expected<void> open(const instance_context& context) override;

  /// As that of `part_file_sink`, for the parts of its own stage. At checkpoint 0 for the parts of all
  /// stages, also of those that the job has no longer, and the file that a job without checkpoints has left
  /// at the path; where one is writing to it, that is an error.
  expected<std::vector<std::string>> recover(const sink_recovery& from) override;

  expected<poll_result> write(batch<dead_letter<json_record>>& in, std::size_t& next,
                              std::size_t end) override;
  expected<poll_result> flush() override;
  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override;
  pending_output pending() override;
  expected<poll_result> commit(std::uint64_t checkpoint) override;
  void abandon(bool keep_partial) override;

  /// At checkpoint 0 those of all stages, and the file of a job without checkpoints.
  expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const override;
  expected<std::vector<std::string>> hidden_of_others(const run_id& run,
                                                      std::uint64_t checkpoint) const override;
  expected<void> check_owner(const run_id& run) const override;
  std::string place() const override;

private:
  class target;

  target& target_of(const dead_letter<json_record>& letter) const;
  template <class Find>
  expected<std::vector<std::string>> of_all_targets(Find find) const;

  const std::string stage_;
  const std::string file_;
  // One where all go to one file, else two: that of the letters, that of the bad records.
  std::vector<std::unique_ptr<target>> targets_;
};

} // namespace weir
