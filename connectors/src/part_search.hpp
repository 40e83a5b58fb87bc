// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which parts of a series there are in a folder, and whose. Looks and changes nothing; any thread.
/// tests/connectors/part_series_test.cpp.

#include "part_folder.hpp"
#include "part_names.hpp"

#include "weir/error.hpp"
#include "weir/file_system.hpp"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir::detail {

/// In the order of their names.
struct parts_found {
  /// Of this run, by visible names.
  std::set<std::string> hidden;
  std::set<std::string> visible;
  /// Of `visible`.
  std::vector<std::string> newer;
  /// Hidden, of runs without checkpoints, which are over: whole names.
  std::vector<std::string> left;
  /// Hidden, of other runs with checkpoints, which may go on: whole names.
  std::vector<std::string> of_others;
};

/// Those of one stage; newer are those behind the checkpoint. Errors: `io`.
expected<parts_found> find_parts(const part_folder& in, const part_names& names,
                                 std::string_view mark, std::uint64_t checkpoint);

/// Of all stages with this stem, and the file `plain`; all that is visible is newer than what a run begins
/// with. Files alone: these names may as well be others'. Errors: `io`.
expected<parts_found> find_series(const part_folder& in, const part_names& names,
                                  std::string_view mark, const std::string& plain);

/// All parts of the series, and of those of other stages with its stem, hidden and visible; and the file
/// `plain`, which bears the name that the parts are called after. Names, in order; symbolic links are none of
/// them. Errors: `io`.
expected<std::vector<std::string>> names_of_series(const part_folder& folder,
                                                   const part_names& names,
                                                   const std::string& plain);

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

/// The visible ones of `names_of_series`, as paths.
expected<std::vector<std::string>> visible_of_series(const std::shared_ptr<file_system>& on,
                                                     const std::string& path,
                                                     const part_names& names,
                                                     const std::string& plain);

} // namespace weir::detail
