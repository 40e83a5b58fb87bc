// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reads the tables of a job file that say how a job outlives a failure: [checkpoints] and [restart].
/// What breaks a rule is a mistake, as in all tables. Plain functions; used by one thread.
/// tests/tools/checkpoint_section_test.cpp.

#include "job_file.hpp"
#include "toml_section.hpp"

#include <optional>

namespace weir::tool {

/// `directory` comes as it is written.
checkpoints_section read_checkpoints(toml_section& in);

/// Nothing where it is not known which strategy is meant, which is a mistake.
std::optional<restart_strategy> read_restart(toml_section in);

} // namespace weir::tool
