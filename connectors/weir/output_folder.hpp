// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The folder that a job's part files go to: made ready once before the job starts, by whoever starts
/// it, and locked against a second run until the job has ended. Plain functions and a value; any
/// thread, one at a time.
///
/// A part is called `part-<checkpoint, 10 digits>-<instance, 4 digits>.ndjson`; until it is complete
/// the name begins with a dot.

#include "weir/error.hpp"
#include "weir/file_system.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

/// A run's claim on an output folder, given up by the destructor or the end of the process. It holds
/// between processes on one machine; some network file systems know no such locks, there it holds
/// nothing back.
class output_folder_lock {
public:
  output_folder_lock() = default;
  /// `folder`: open and locked. `made`: its path where it was made for this run, else empty.
  explicit output_folder_lock(owned_fd folder, std::string made = {}) noexcept
    : folder_(std::move(folder)),
      made_(std::move(made)) {}
  ~output_folder_lock() { release(); }

  output_folder_lock(output_folder_lock&& other) noexcept
    : folder_(std::move(other.folder_)),
      made_(std::exchange(other.made_, {})) {}
  output_folder_lock& operator=(output_folder_lock&& other) noexcept {
    release();
    folder_ = std::move(other.folder_);
    made_ = std::exchange(other.made_, {});
    return *this;
  }

  /// Whether a folder is held.
  bool holds() const noexcept { return static_cast<bool>(folder_); }

  /// The open folder, and whose it is; only where one is held.
  int folder() const noexcept { return folder_.get(); }
  file_system& on() const noexcept { return folder_.on(); }

  /// A folder that was made for this run stays. Before, it goes again with the lock.
  void keep_folder() noexcept { made_.clear(); }

private:
  void release() noexcept;

  owned_fd folder_;
  std::string made_;
};

/// What was found in an output folder and done to it.
struct output_folder_state {
  std::string path;
  /// The folder was not there before.
  bool created = false;
  /// Paths of another run's complete parts that were removed; only with `remove_old_output`.
  std::vector<std::string> removed_parts;
  /// Paths of hidden parts that were removed: those of runs without checkpoints, which are over.
  std::vector<std::string> removed_hidden;
  /// With `remove_old_output`, those of runs with checkpoints: such a run cannot go on any more.
  std::vector<std::string> removed_of_others;
  /// To be kept until the job has ended.
  output_folder_lock lock;
};

/// A file that a run needs, wherever it lies and whatever it is called.
struct file_in_use {
  std::string path;
  /// What it is to the run, for people: `the job's input`.
  std::string role;
};

/// Creates the folder at `path` (its parent must be there) and takes its lock; touches nothing in
/// it. Errors have the kind `io` and name the path: no parent, no folder, not writable, in use by
/// another run. `on`: whose files.
expected<output_folder_state> claim_output_folder(
  const std::string& path, const std::shared_ptr<file_system>& on = posix_files());

/// Whether all parts in a claimed folder may be removed: none is one of the files `in_use`, by whatever path,
/// and each is a file. What `clear_output_folder` makes sure of; a job with checkpoints, whose sinks remove
/// parts, is started behind it. Changes nothing. Errors have the kind `io` and name the path.
expected<void> check_output_folder(const output_folder_state& claimed,
                                   const std::vector<file_in_use>& in_use);

/// Removes hidden parts of a dead run without checkpoints from a claimed folder, and `.part.run`, the note
/// of a run with checkpoints that the output is its. Complete parts of another run, and hidden ones of a
/// run with checkpoints, which shows them when it goes on, are removed with `remove_old_output`; without it
/// they are an error. So is a part that is one of the files `in_use`, by whatever path, or no file at all.
/// After such an error nothing has been removed. Other files are never touched. Errors have the kind `io`
/// and name the path.
expected<void> clear_output_folder(output_folder_state& claimed, bool remove_old_output,
                                   const std::vector<file_in_use>& in_use = {});

/// Makes the folder at `path` ready for a run that reads none of its parts: claims and clears it.
expected<output_folder_state> prepare_output_folder(
  const std::string& path, bool remove_old_output,
  const std::shared_ptr<file_system>& on = posix_files());

/// Whether a file of this name is a part, complete or hidden.
bool is_part_file_name(std::string_view name);

/// A part's file name, as it is when it is complete.
std::string part_file_name(std::uint64_t checkpoint, std::uint32_t instance);

} // namespace weir
