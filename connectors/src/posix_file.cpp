// SPDX-License-Identifier: Apache-2.0

#include "posix_file.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace weir::detail {

namespace {

std::string_view advice(int code) {
  switch (code) {
    case ENOSPC:
      return "free some space, or choose another place";
    case EDQUOT:
      return "remove files of yours there, or choose another place";
    case EACCES:
    case EPERM:
      return "give this user the right to it, or choose another place";
    case EROFS:
      return "choose a place that can be written to";
    case ENOENT:
      return "check the path, or create what is missing";
    case ENOTDIR:
      return "a part of the path is a file; check the path";
    case EISDIR:
      return "it is a folder; name a file";
    case EIO:
      return "the device fails; check it, or choose another place";
    case EFBIG:
      return "the file may not grow further (ulimit -f, or a limit of the file system)";
    case EMFILE:
    case ENFILE:
      return "allow more open files (ulimit -n)";
    default:
      return "check the path and what it lies on";
  }
}

sigset_t only_sigpipe() noexcept {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  return set;
}

} // namespace

int owned_fd::close() noexcept {
  // After EINTR the descriptor is closed as well, on Linux.
  if (fd_ < 0 || ::close(release()) == 0 || errno == EINTR)
    return 0;
  return errno;
}

error io_error(std::string thing, std::string_view what, int code) {
  std::string message{what};
  message += ": " + std::generic_category().message(code) + "; ";
  message += advice(code);
  return {error_kind::io, std::move(thing), std::move(message)};
}

owned_fd open_file(int folder, const std::string& name, int flags) noexcept {
  int fd = -1;
  do
    fd = ::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOCTTY, 0666);
  while (fd < 0 && errno == EINTR);
  return owned_fd{fd};
}

int write_all(int fd, std::string_view bytes, std::size_t& written) noexcept {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return n == 0 ? EIO : errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
    written += static_cast<std::size_t>(n);
  }
  return 0;
}

int sync_to_disk(int fd) noexcept {
  while (::fsync(fd) != 0) {
    if (errno == EINTR)
      continue;
    return errno == EINVAL || errno == EROFS || errno == ENOTSUP ? 0 : errno;
  }
  return 0;
}

// -- sigpipe_guard --

sigpipe_guard::sigpipe_guard() noexcept {
  sigset_t pending;
  sigpending(&pending);
  was_pending_ = sigismember(&pending, SIGPIPE) == 1;
  const auto set = only_sigpipe();
  pthread_sigmask(SIG_BLOCK, &set, &before_);
}

sigpipe_guard::~sigpipe_guard() {
  const auto set = only_sigpipe();
  const timespec at_once{};
  // One that was pending before is somebody else's.
  if (!was_pending_)
    while (sigtimedwait(&set, nullptr, &at_once) < 0 && errno == EINTR) {
    }
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

} // namespace weir::detail
