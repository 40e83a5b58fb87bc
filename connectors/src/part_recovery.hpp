// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a start finds of a series of parts, and does to it. Plain functions over a folder; any thread,
/// one at a time for one series, but for `recover_series`. tests/connectors/part_series_test.cpp.

#include "part_folder.hpp"
#include "part_names.hpp"

#include "weir/error.hpp"
#include "weir/sink.hpp"

#include <string>
#include <vector>

namespace weir::detail {

/// `sink::recover` for the parts of one series; `mark` is the run's. Hidden parts of other runs count as newer
/// output. Where it refuses, or finds damage, it has changed nothing. Errors: `io`, `damaged`, `incompatible`.
expected<std::vector<std::string>> recover_parts(const part_folder& folder, const part_names& names,
                                                 const std::string& mark, const sink_recovery& from);

/// `recover_parts` at the beginning of a run, for all that `names_of_series` names: removes the hidden ones of
/// this run and those that no run can show, and deals with all others as output of earlier runs. Any number of
/// threads: one deals with them, and the others find nothing more. Errors: also `io` where a job without
/// checkpoints is writing to `plain`.
expected<std::vector<std::string>> recover_series(const part_folder& folder,
                                                  const part_names& names, const std::string& mark,
                                                  const std::string& plain, newer_output newer);

} // namespace weir::detail
