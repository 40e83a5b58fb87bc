// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether two paths lead to one place, however they are spelled and whatever links are on the way: two that
/// write there must not take each other's output for their own. Looks at the disk and changes nothing; any
/// thread. tests/serialization/same_place_test.cpp.

#include <string>

namespace weir {

/// Absolute, with links followed as far as there is something, and no slash at the end. As it is where that
/// cannot be found out.
std::string real_path(const std::string& path);

/// Whether two paths lead to one file or folder, or would if it were there.
bool is_same_place(const std::string& a, const std::string& b);

} // namespace weir
