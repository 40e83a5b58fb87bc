// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a start finds of a series of parts, and does to it. Plain functions over a folder; any thread,
/// one at a time for one series, but for `recover_series`. tests/connectors/part_series_test.cpp.

#include "part_names.hpp"

#include "weir/error.hpp"
#include "weir/file_system.hpp"
#include "weir/sink.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// Where a series lies.
struct part_folder {
  std::shared_ptr<file_system> on;
  int fd = -1;
  /// For errors.
  std::string path;

  std::string path_of(std::string_view name) const { return path_in(path, name); }
};

/// Appends a line to the state that a sink gives with a checkpoint: a part whose visible name may not be on the
/// disk yet, its size, and whether it is visible.
void append_pending_part(std::string& state, std::string_view name, std::uint64_t bytes,
                         bool is_visible);

/// `sink::recover` for the parts of one series; `mark` is the run's. Hidden parts of other runs count as newer
/// output. Where it refuses, or finds damage, it has changed nothing. Errors: `io`, `damaged`, `incompatible`.
expected<std::vector<std::string>> recover_parts(const part_folder& folder, const part_names& names,
                                                 const std::string& mark, const sink_recovery& from);

/// All parts of the series, and of those of other stages with its stem, hidden and visible; and the file
/// `plain`, which bears the name that the parts are called after. Names, in order; symbolic links are none of
/// them. Errors: `io`.
expected<std::vector<std::string>> names_of_series(const part_folder& folder,
                                                   const part_names& names,
                                                   const std::string& plain);

/// `recover_parts` at the beginning of a run, for all these: removes the hidden ones of this run and those that
/// no run can show, and deals with all others as output of earlier runs. Any number of threads: one deals with them, and the others find
/// nothing more. Errors: also `io` where a job without checkpoints is writing to
/// `plain`.
expected<std::vector<std::string>> recover_series(const part_folder& folder,
                                                  const part_names& names, const std::string& mark,
                                                  const std::string& plain, newer_output newer);

/// Visible parts of the series that are newer than the checkpoint, as paths, in order. None where there
/// is no folder at `path`.
expected<std::vector<std::string>> newer_parts(const std::shared_ptr<file_system>& on,
                                               const std::string& path, const part_names& names,
                                               std::uint64_t checkpoint);

/// Hidden parts of runs with checkpoints other than that with this mark, as paths, in order: of the series, or
/// with `any_stage` of all stages with its stem. None where there is no folder at `path`.
expected<std::vector<std::string>> hidden_of_others(const std::shared_ptr<file_system>& on,
                                                    const std::string& path, const part_names& names,
                                                    const std::string& mark, bool any_stage);

/// Whether the series at `path` is still that of the run with this mark, which has left output there. Errors:
/// `incompatible` where another run has begun there since or nothing says whose it is, `io`.
expected<void> check_owner(const std::shared_ptr<file_system>& on, const std::string& path,
                           const part_names& names, const std::string& mark);

/// The visible ones of `names_of_series`, as paths.
expected<std::vector<std::string>> visible_of_series(const std::shared_ptr<file_system>& on,
                                                     const std::string& path,
                                                     const part_names& names,
                                                     const std::string& plain);

} // namespace weir::detail
