// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The folder that a job's part files go to: made ready once before the job starts, by whoever starts
/// it, and locked against a second run until the job has ended. Plain functions and a value; any
/// thread, one at a time.
///
/// A part is called `part-<checkpoint, 10 digits>-<instance, 4 digits>.ndjson`; until it is complete
/// the name begins with a dot.

#include "weir/error.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// A run's claim on an output folder, given up by the destructor or the end of the process. It holds
/// between processes on one machine; some network file systems know no such locks, there it holds
/// nothing back.
class output_folder_lock {
public:
  output_folder_lock() = default;
  /// Owns `fd`, an open folder.
  explicit output_folder_lock(int fd) noexcept : fd_(fd) {}
  ~output_folder_lock() { release(); }

  output_folder_lock(output_folder_lock&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  output_folder_lock& operator=(output_folder_lock&& other) noexcept {
    release();
    fd_ = std::exchange(other.fd_, -1);
    return *this;
  }

  /// Whether a folder is held.
  bool holds() const noexcept { return fd_ >= 0; }

private:
  void release() noexcept;

  int fd_ = -1;
};

/// What `prepare_output_folder` found and did.
struct output_folder_state {
  /// The folder was not there before.
  bool created = false;
  /// Paths of another run's complete parts that were removed; only with `force`.
  std::vector<std::string> removed_parts;
  /// Paths of hidden parts that a dead run had left, and that were removed.
  std::vector<std::string> removed_hidden;
  /// To be kept until the job has ended.
  output_folder_lock lock;
};

/// Makes the folder at `path` ready for a run: creates it (its parent must be there), takes its lock,
/// removes hidden parts of a dead run. Complete parts of another run are removed with `force`; without
/// it they are an error, and nothing is removed. Other files are never touched. Errors have the kind
/// `io` and name the path: no parent, no folder, not writable, in use by another run.
expected<output_folder_state> prepare_output_folder(const std::string& path, bool force);

/// A part's file name, as it is when it is complete.
std::string part_file_name(std::uint64_t checkpoint, std::uint32_t instance);

} // namespace weir
