// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Puts the values of `--set KEY=VALUE` into the tree of a TOML file before anything is checked, so
/// that they are checked like those of the file. Used by one thread.

#include "job_file.hpp"

#include <toml++/toml.h>

#include <optional>
#include <string>

namespace weir::tool {

/// Puts one override in its place; tables on the way that are missing are made. A part of the key that
/// follows an array of tables is the `name` of one of them: `lookup.origin.timeout`.
std::optional<mistake> apply_override(toml::table& root, const std::string& override_text);

} // namespace weir::tool
