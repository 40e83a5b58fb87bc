// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the connectors share of POSIX files: ownership, complete writes, and errors that say what to
/// do.

#include "weir/error.hpp"

#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace weir::detail {

/// Owns a file descriptor.
class owned_fd {
public:
  owned_fd() = default;
  explicit owned_fd(int fd) noexcept : fd_(fd) {}
  ~owned_fd() { close(); }
  owned_fd(owned_fd&& other) noexcept : fd_(other.release()) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    close();
    fd_ = other.release();
    return *this;
  }

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

  /// The errno of closing; 0 is success. A file system may report a failed write only here.
  int close() noexcept;

private:
  int fd_ = -1;
};

/// An error of the kind `io`: "`thing`: `what`: <the system's words>; <what to do>". `code`: errno.
error io_error(std::string thing, std::string_view what, int code);

/// Opens, again where a signal interrupts. `folder`: AT_FDCWD or an open folder. errno tells why not.
owned_fd open_file(int folder, const std::string& name, int flags) noexcept;

/// Writes all of `bytes`; returns errno, 0 is success. `written` grows by what was written.
int write_all(int fd, std::string_view bytes, std::size_t& written) noexcept;

/// Waits until the file or folder is on the disk; returns errno. Where there is no disk, it is no error.
int sync_to_disk(int fd) noexcept;

/// Holds SIGPIPE back from the calling thread while it lives, and takes away one that came meanwhile.
class sigpipe_guard {
public:
  sigpipe_guard() noexcept;
  ~sigpipe_guard();
  sigpipe_guard(const sigpipe_guard&) = delete;
  sigpipe_guard& operator=(const sigpipe_guard&) = delete;

private:
  sigset_t before_;
  bool was_pending_ = false;
};

} // namespace weir::detail
