// SPDX-License-Identifier: Apache-2.0
#include "load_file.hpp"

#include "scenario_limits.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace weir::tool {

namespace {

/// Reads until the end or until it is too long; 0, or the errno.
int read_all(int fd, std::string& into, std::size_t bytes_max) {
  constexpr std::size_t block = 64 * 1024;
  while (into.size() <= bytes_max) {
    const auto before = into.size();
    into.resize(before + block);
    const auto got = ::read(fd, into.data() + before, block);
    into.resize(before + static_cast<std::size_t>(got < 0 ? 0 : got));
    if (got == 0)
      return 0;
    if (got < 0 && errno != EINTR)
      return errno;
  }
  return EFBIG;
}

} // namespace

std::optional<std::string> content_of(const std::string& path, std::vector<mistake>& mistakes) {
  std::string content;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const int code = fd < 0 ? errno : read_all(fd, content, scenario_limits::file_bytes_max);
  if (fd >= 0)
    ::close(fd);
  if (code == 0)
    return content;
  mistakes.push_back({path, {}, {},
                      code == EFBIG ? "is longer than 64 MiB; split it"
                                    : std::string{"cannot be read: "} + std::strerror(code)});
  return std::nullopt;
}

} // namespace weir::tool
