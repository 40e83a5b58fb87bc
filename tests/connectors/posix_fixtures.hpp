// SPDX-License-Identifier: Apache-2.0
#pragma once

/// States of the process that bring faults about, each undone by its destructor: a user without
/// rights, files that may not grow, pipes. One thread.

#include <csignal>
#include <cstddef>
#include <fcntl.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <utility>

namespace weir::testing {

/// Where root runs the tests, rights hold nobody back; so be somebody else for a while.
class without_root_rights {
public:
  without_root_rights() {
    if (was_root_ && ::seteuid(65534) != 0)
      throw std::runtime_error{"cannot give up root's rights"};
  }
  ~without_root_rights() {
    if (was_root_ && ::seteuid(0) != 0)
      std::abort();
  }
  without_root_rights(const without_root_rights&) = delete;
  without_root_rights& operator=(const without_root_rights&) = delete;

private:
  const bool was_root_ = ::geteuid() == 0;
};

/// Files cannot grow beyond `bytes`, as on a disk that is full: writes stop in the middle of a line.
class file_size_limit {
public:
  explicit file_size_limit(std::size_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    auto limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  ~file_size_limit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  file_size_limit(const file_size_limit&) = delete;
  file_size_limit& operator=(const file_size_limit&) = delete;

private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

/// The two ends of a pipe.
class pipe_ends {
public:
  pipe_ends() {
    if (::pipe(fds_) != 0)
      throw std::runtime_error{"no pipe"};
  }
  ~pipe_ends() {
    close_reader();
    close_writer();
  }
  pipe_ends(const pipe_ends&) = delete;
  pipe_ends& operator=(const pipe_ends&) = delete;

  int reader() const { return fds_[0]; }
  int writer() const { return fds_[1]; }

  void put(std::string_view text) const {
    if (::write(fds_[1], text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error{"the pipe did not take all"};
  }

  /// What lies in the pipe, at most `size` bytes; never waits.
  std::string get(std::size_t size = 1 << 20) const {
    ::fcntl(fds_[0], F_SETFL, O_NONBLOCK);
    std::string text(size, '\0');
    const auto n = ::read(fds_[0], text.data(), size);
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return text;
  }

  void close_reader() { close(0); }
  void close_writer() { close(1); }

private:
  void close(int end) {
    if (const int fd = std::exchange(fds_[end], -1); fd >= 0)
      ::close(fd);
  }

  int fds_[2] = {-1, -1};
};

} // namespace weir::testing
