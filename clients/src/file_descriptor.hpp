// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A file descriptor that is closed with its owner. One owner.

#include <unistd.h>
#include <utility>

namespace weir::detail {

class file_descriptor {
public:
  file_descriptor() = default;
  /// Takes it over; negative: none.
  explicit file_descriptor(int fd) noexcept : fd_(fd) {}
  file_descriptor(file_descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }

  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

private:
  int fd_ = -1;
};

} // namespace weir::detail
