// SPDX-License-Identifier: Apache-2.0

#include "weir/dead_letter_file.hpp"

#include "weir/json_writer.hpp"

#include "posix_file.hpp"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {

namespace {

constexpr std::size_t lines_bytes = 256 * 1024;

struct opened_file {
  detail::owned_fd fd;
  bool created;
};

/// Opens or creates; errno tells why not.
opened_file open_or_create(const std::string& path) {
  // Not waiting here: a named pipe without a reader is refused later, not waited for.
  constexpr int flags = O_WRONLY | O_APPEND | O_NONBLOCK;
  auto there = detail::open_file(AT_FDCWD, path, flags);
  if (there || errno != ENOENT)
    return {std::move(there), false};
  return {detail::open_file(AT_FDCWD, path, flags | O_CREAT), true};
}

/// Whether the path still leads to the open file.
bool leads_to(const std::string& path, int fd) {
  struct stat by_path;
  struct stat opened;
  return ::stat(path.c_str(), &by_path) == 0 && ::fstat(fd, &opened) == 0
         && by_path.st_dev == opened.st_dev && by_path.st_ino == opened.st_ino;
}

/// False where another run has the file. Where there are no locks, nobody has.
bool take_lock(const std::string& path, int fd) {
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return false;
  // Another run may have taken away what it had created, between our opening it and this.
  return leads_to(path, fd);
}

/// Removes the open file, which is empty, by its path.
void remove_unused(const std::string& path, int fd) {
  struct stat about;
  if (::fstat(fd, &about) != 0 || about.st_size != 0 || !leads_to(path, fd))
    return;
  // Through a link the file was created, not the link.
  const std::unique_ptr<char, void (*)(void*)> whole{::realpath(path.c_str(), nullptr), std::free};
  if (whole)
    ::unlink(whole.get());
}

} // namespace

expected<std::shared_ptr<dead_letter_file>> dead_letter_file::create(const std::string& path) {
  auto file = open(path);
  if (file)
    if (auto ok = (*file)->clear(); !ok)
      return std::move(ok).why();
  return file;
}

expected<void> dead_letter_file::clear() {
  const std::lock_guard guard{mutex_};
  struct stat about;
  if (::fstat(fd_, &about) == 0 && S_ISREG(about.st_mode) && ::ftruncate(fd_, 0) != 0)
    return detail::io_error(path_, "cannot be emptied", errno);
  created_ = false;
  return {};
}

expected<std::shared_ptr<dead_letter_file>> dead_letter_file::open(const std::string& path) {
  auto [file, created] = open_or_create(path);
  if (!file)
    return detail::io_error(path, "cannot be created", errno);
  struct stat about;
  if (::fstat(file.get(), &about) != 0)
    return detail::io_error(path, "cannot be created", errno);
  if (!S_ISREG(about.st_mode) && !S_ISCHR(about.st_mode))
    return error{error_kind::io, path, "is no file; dead letters are written to a file"};
  // Any number of runs may write to /dev/null.
  if (S_ISREG(about.st_mode) && !take_lock(path, file.get()))
    return error{error_kind::io, path,
                 "is being written to by another run; wait for its end, or name another file"};
  return std::shared_ptr<dead_letter_file>{new dead_letter_file{path, file.release(), created}};
}

dead_letter_file::~dead_letter_file() {
  // While the lock is held, so that no other run comes to use it.
  if (created_)
    remove_unused(path_, fd_);
  ::close(fd_);
}

expected<void> dead_letter_file::append(std::string_view lines) {
  const std::lock_guard guard{mutex_};
  std::size_t written = 0;
  const int code = detail::write_all(fd_, lines, written);
  if (code == 0)
    return {};
  const auto last_end = lines.substr(0, written).rfind('\n');
  const auto half = written - (last_end == lines.npos ? 0 : last_end + 1);
  struct stat about;
  if (half > 0 && ::fstat(fd_, &about) == 0
      && ::ftruncate(fd_, about.st_size - static_cast<off_t>(half)) != 0)
    return detail::io_error(path_, "ends in half a line and cannot be written", code);
  return detail::io_error(path_, "cannot be written", code);
}

expected<void> dead_letter_file::sync() {
  if (const int code = detail::sync_to_disk(fd_); code != 0)
    return detail::io_error(path_, "cannot be written to the disk", code);
  return {};
}

void append_dead_letter(std::string& out, const dead_letter<json_record>& letter,
                        std::string_view stage, std::string_view file, std::uint64_t offset) {
  const auto& why = letter.why;
  out += "{\"record\":";
  append_json_string(out, letter.value.raw);
  out += ",\"error\":";
  append_json_string(out, why.kind());
  out += ",\"message\":";
  append_json_string(out, why.thing().empty() ? why.message() : why.thing() + ": " + why.message());
  out += ",\"attempts\":" + std::to_string(letter.attempts) + ",\"durations_ms\":[";
  for (std::size_t i = 0; i < letter.durations.size(); ++i) {
    if (i > 0)
      out += ',';
    append_json_number(out, static_cast<double>(letter.durations[i].count()) / 1e6);
  }
  out += "],\"stage\":";
  append_json_string(out, stage);
  out += ",\"file\":";
  append_json_string(out, file);
  out += ",\"line\":" + std::to_string(letter.value.line);
  out += ",\"offset\":" + std::to_string(offset) + "}\n";
}

dead_letter_file* dead_letter_sink::target(const dead_letter<json_record>& letter) const {
  return (letter.why.is(error_kind::bad_record) ? bad_records_to_ : to_).get();
}

expected<poll_result> dead_letter_sink::write(batch<dead_letter<json_record>>& in,
                                              std::size_t& next, std::size_t end) {
  origin_runs::cursor origins;
  while (next < end) {
    lines_.clear();
    auto* const to = target(in.value(next));
    for (; next < end && lines_.size() < lines_bytes && target(in.value(next)) == to; ++next)
      append_dead_letter(lines_, in.value(next), stage_, file_,
                         origins.at(in.origins(), next).position);
    if (auto ok = to->append(lines_); !ok)
      return std::move(ok).why();
  }
  return poll_result{poll_state::done, {}};
}

expected<poll_result> dead_letter_sink::prepare() {
  for (const auto& each : {to_, bad_records_to_})
    if (each != nullptr)
      if (auto ok = each->sync(); !ok)
        return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

} // namespace weir
