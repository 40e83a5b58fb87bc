// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A plan for people, and for programs. Pure functions; any thread. tests/tools/sizing_test.cpp.

#include "sizing.hpp"

#include <string>

namespace weir::tool {

/// What was asked, a line for each mode, and what holds for all.
std::string sizing_text(const expected_load& load, const sizing& of);

/// A JSON object, in a line.
std::string sizing_json(const sizing& of);

} // namespace weir::tool
