// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes to the command's standard output and standard error. Any thread.

#include <string>
#include <string_view>

namespace weir::tool {

/// Writes all of `text`; 0, or the errno.
int write_all(int fd, std::string_view text);

/// A message to the person who runs the command. Where it cannot be written, nobody can be told.
void say(const std::string& line);

} // namespace weir::tool
