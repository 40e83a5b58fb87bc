// SPDX-License-Identifier: Apache-2.0

#include "weir/stdout_sink.hpp"

#include "weir/file_system.hpp"

#include "sigpipe_guard.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {

namespace {

constexpr std::size_t buffer_bytes = 64 * 1024;
// A terminal is ready while only a part of its buffer is free.
constexpr std::size_t terminal_bytes = 256;

/// How long a reader is waited for that has the beginning of a line: 10 times 100 ms.
constexpr int half_line_rounds = 10;
constexpr int half_line_wait_ms = 100;

} // namespace

expected<void> stdout_sink::open(const instance_context& context) {
  if (context.parallelism > 1)
    return error{error_kind::argument, name_,
                 "can be written to by one instance only; set the sink's parallelism to 1"};
  struct stat about;
  const int flags = ::fcntl(fd_, F_GETFL);
  if (flags < 0 || ::fstat(fd_, &about) != 0)
    return error{error_kind::io, name_, "is closed; open it, or write into a folder"};
  if ((flags & O_ACCMODE) == O_RDONLY)
    return error{error_kind::io, name_, "is closed, or open for reading only; redirect it to a file or a pipe"};
  if (S_ISREG(about.st_mode) || S_ISBLK(about.st_mode))
    target_ = target::file;
  else if (S_ISSOCK(about.st_mode))
    target_ = target::socket;
  // A pipe that is ready takes this much at once, and keeps it together.
  piece_bytes_ = ::isatty(fd_) == 1 ? terminal_bytes : PIPE_BUF;
  return {};
}

expected<poll_result> stdout_sink::write(batch<json_record>& in, std::size_t& next,
                                         std::size_t end) {
  while (next < end) {
    if (buffer_.size() - written_ >= buffer_bytes) {
      const auto pushed = push();
      if (!pushed)
        return pushed.why();
      if (buffer_.size() - written_ >= buffer_bytes)
        return poll_result{poll_state::wait, {fd_, true}};
    }
    append_json_text(buffer_, in.value(next++));
    buffer_ += '\n';
  }
  return poll_result{poll_state::done, {}};
}

expected<poll_result> stdout_sink::flush() {
  const auto pushed = push();
  if (!pushed)
    return pushed.why();
  if (!*pushed)
    return poll_result{poll_state::wait, {fd_, true}};
  return poll_result{poll_state::done, {}};
}

expected<poll_result> stdout_sink::prepare(std::uint64_t, bool) {
  return flush();
}

void stdout_sink::abandon(bool) {
  if (half_line() > 0 && target_ == target::file) {
    take_back_half_line();
  } else if (half_line() > 0) {
    buffer_.resize(buffer_.find('\n', written_) + 1);
    finish_line();
  }
  buffer_.clear();
  written_ = 0;
}

/// Gives a reader that is slow, but there, the rest of the line that it has the beginning of.
void stdout_sink::finish_line() {
  for (int rounds = 0; rounds < half_line_rounds; ++rounds) {
    const auto pushed = push();
    if (!pushed || *pushed)
      return;
    pollfd look{fd_, POLLOUT, 0};
    static_cast<void>(::poll(&look, 1, half_line_wait_ms));
  }
}

expected<bool> stdout_sink::push() {
  std::optional<detail::sigpipe_guard> no_signal;
  if (target_ == target::pieces && written_ < buffer_.size())
    no_signal.emplace();
  bool waits = false;
  while (written_ < buffer_.size() && !waits) {
    const auto n = write_some(next_piece());
    if (n > 0)
      written_ += static_cast<std::size_t>(n);
    else if (n == 0 || errno == EAGAIN)
      waits = true;
    else if (errno == EPIPE)
      return error{error_kind::io, name_,
                   "was closed by its reader; let it read to the end, or write into a folder"};
    else if (errno != EINTR)
      return io_error(name_, "cannot be written", errno);
  }
  // Keeps the beginning of a line that has been begun: `abandon` asks for it.
  const auto half = half_line();
  buffer_.erase(0, written_ - half);
  written_ = half;
  return !waits;
}

/// Up to the last line's end that fits; a longer line goes in parts.
std::size_t stdout_sink::next_piece() const {
  const auto rest = std::string_view{buffer_}.substr(written_);
  if (target_ == target::file || rest.size() <= piece_bytes_)
    return rest.size();
  const auto end = rest.rfind('\n', piece_bytes_ - 1);
  return end == rest.npos ? piece_bytes_ : end + 1;
}

/// Like write(2), but never waits: 0 where it would.
long stdout_sink::write_some(std::size_t size) const {
  const auto* from = buffer_.data() + written_;
  if (target_ == target::socket)
    return ::send(fd_, from, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (target_ == target::pieces) {
    pollfd look{fd_, POLLOUT, 0};
    if (const int ready = ::poll(&look, 1, 0); ready <= 0)
      return ready;
  }
  return ::write(fd_, from, size);
}

/// Bytes at the end of what was written that are not a whole line.
std::size_t stdout_sink::half_line() const {
  const auto end = std::string_view{buffer_}.substr(0, written_).rfind('\n');
  return end == std::string_view::npos ? written_ : written_ - end - 1;
}

void stdout_sink::take_back_half_line() {
  const auto half = static_cast<off_t>(half_line());
  struct stat about;
  const auto at = ::lseek(fd_, 0, SEEK_CUR);
  // Only where nobody else has written behind it.
  if (::fstat(fd_, &about) == 0 && at >= half && about.st_size == at
      && ::ftruncate(fd_, at - half) == 0)
    ::lseek(fd_, at - half, SEEK_SET);
}

} // namespace weir
