// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes to a standard stream without being held up inside write(2), where no deadline and no
/// signal would reach it: a terminal may be stopped (Ctrl-S), a pipe may have a reader that does
/// not read. The stream is shared with other processes, so its own O_NONBLOCK is neither set nor
/// relied on. One thread. tests/tools/ready_writer_test.cpp shows it.

#include "weir/time.hpp"

#include <functional>
#include <string_view>

namespace weir::tool {

class ready_writer {
public:
  /// `fd` stays the caller's.
  explicit ready_writer(int fd);
  ~ready_writer();
  ready_writer(const ready_writer&) = delete;
  ready_writer& operator=(const ready_writer&) = delete;

  int fd() const noexcept { return fd_; }

  /// Writes what goes at once and takes it off `text`. 0 where that was all, EAGAIN where the rest
  /// would have to wait, or another errno.
  int write_now(std::string_view& text) const;

  /// Writes all. While nothing goes, it asks `gives_up` several times a second, with the time for
  /// which nothing went. 0, EAGAIN where it was given up, or another errno.
  int write_all(std::string_view text, const std::function<bool(duration stuck)>& gives_up) const;

private:
  long write_piece(std::string_view piece) const;
  bool wait_until_ready() const;

  int fd_;
  /// Where the stream could be opened anew: never waits, and nobody else's.
  int own_ = -1;
  bool socket_ = false;
};

} // namespace weir::tool
