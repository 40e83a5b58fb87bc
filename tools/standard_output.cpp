// SPDX-License-Identifier: Apache-2.0
#include "standard_output.hpp"

#include <cerrno>
#include <unistd.h>

namespace weir::tool {

int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return errno;
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return 0;
}

void say(const std::string& line) {
  static_cast<void>(write_all(STDERR_FILENO, "weir: " + line + "\n"));
}

} // namespace weir::tool
