// SPDX-License-Identifier: Apache-2.0
#include "ready_writer.hpp"

#include <cerrno>
#include <chrono>
#include <climits>
#include <fcntl.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir::tool {

namespace {

/// How long it waits before it asks whether to go on.
constexpr int look_interval_ms = 100;
/// And where the stream calls itself ready, but takes nothing.
constexpr int breath_ms = 10;

/// A pipe or a terminal once more, with an O_NONBLOCK that others do not see; negative where that
/// cannot be.
int opened_anew(int fd, const struct stat& about) {
  // What is open for reading only must stay so.
  const bool for_reading = (::fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDONLY;
  if (for_reading || (!S_ISFIFO(about.st_mode) && ::isatty(fd) != 1))
    return -1;
  return ::open(("/proc/self/fd/" + std::to_string(fd)).c_str(),
                O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

} // namespace

ready_writer::ready_writer(int fd) : fd_(fd) {
  struct stat about;
  if (::fstat(fd, &about) != 0)
    return;
  own_ = opened_anew(fd, about);
  socket_ = S_ISSOCK(about.st_mode);
}

ready_writer::~ready_writer() {
  if (own_ >= 0)
    ::close(own_);
}

int ready_writer::write_now(std::string_view& text) const {
  while (!text.empty()) {
    const auto n = write_piece(text.substr(0, PIPE_BUF));
    if (n >= 0)
      text.remove_prefix(static_cast<std::size_t>(n));
    else if (errno != EINTR)
      return errno;
  }
  return 0;
}

int ready_writer::write_all(std::string_view text,
                            const std::function<bool(duration stuck)>& gives_up) const {
  auto last_went = time_point::clock::now();
  for (bool ready = false;;) {
    const auto before = text.size();
    if (const int code = write_now(text); code != EAGAIN)
      return code;
    const auto now = time_point::clock::now();
    if (text.size() < before)
      last_went = now;
    else if (ready)
      // A terminal with room for less than the next character.
      static_cast<void>(::poll(nullptr, 0, breath_ms));
    if (gives_up(now - last_went))
      return EAGAIN;
    ready = wait_until_ready();
  }
}

bool ready_writer::wait_until_ready() const {
  pollfd look{own_ >= 0 ? own_ : fd_, POLLOUT, 0};
  return ::poll(&look, 1, look_interval_ms) > 0;
}

/// Like write(2), but EAGAIN where it would wait.
long ready_writer::write_piece(std::string_view piece) const {
  if (own_ >= 0)
    return ::write(own_, piece.data(), piece.size());
  if (socket_)
    return ::send(fd_, piece.data(), piece.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  // A pipe that is ready takes PIPE_BUF bytes; a file is always ready.
  pollfd look{fd_, POLLOUT, 0};
  if (::poll(&look, 1, 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return ::write(fd_, piece.data(), piece.size());
}

} // namespace weir::tool
