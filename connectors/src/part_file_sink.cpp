// SPDX-License-Identifier: Apache-2.0

#include "weir/part_file_sink.hpp"

#include "weir/output_folder.hpp"

#include "posix_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

namespace weir {

namespace {

constexpr std::uint64_t only_checkpoint = 1;
constexpr std::uint32_t instances_max = 10'000;

} // namespace

/// One part file, from its hidden beginning to its end.
class part_file_sink::part {
public:
  part(detail::owned_fd folder, std::string folder_path, std::string name, std::size_t buffer_bytes)
    : folder_(std::move(folder)),
      folder_path_(std::move(folder_path)),
      name_(std::move(name)),
      buffer_bytes_(buffer_bytes) {
    if (!folder_path_.ends_with('/'))
      folder_path_ += '/';
  }

  ~part() {
    if (state_ == state::hidden)
      remove();
  }

  std::string path() const { return folder_path_ + name_; }

  expected<void> create() {
    file_ = detail::open_file(folder_.get(), hidden(), O_WRONLY | O_CREAT | O_EXCL);
    if (!file_ && errno == EEXIST)
      return error{error_kind::io, hidden_path(), "is there already: another run writes to it"};
    if (!file_)
      return detail::io_error(hidden_path(), "cannot be created", errno);
    state_ = state::hidden;
    return {};
  }

  expected<void> append(const json_record& record) {
    append_json_text(buffer_, record);
    buffer_ += '\n';
    return buffer_.size() < buffer_bytes_ ? expected<void>{} : write_buffer();
  }

  expected<void> write_buffer() {
    std::size_t written = 0;
    const int code = detail::write_all(file_.get(), buffer_, written);
    // The buffer holds whole lines, so what lies in front of it does as well.
    const auto last_end = std::string_view{buffer_}.substr(0, written).rfind('\n');
    if (last_end != std::string_view::npos)
      whole_bytes_ += last_end + 1;
    buffer_.clear();
    if (code == 0)
      return {};
    write_failed_ = true;
    return detail::io_error(hidden_path(), "cannot be written", code);
  }

  /// Nothing can be written behind it any more.
  expected<void> seal() {
    if (auto ok = write_buffer(); !ok)
      return ok;
    int code = detail::sync_to_disk(file_.get());
    if (code == 0)
      code = file_.close();
    if (code != 0)
      return detail::io_error(hidden_path(), "cannot be written to the disk", code);
    return {};
  }

  expected<void> show() {
    if (rename_hidden() != 0)
      return detail::io_error(path(), "cannot be made visible", errno);
    state_ = state::shown;
    if (const int code = detail::sync_to_disk(folder_.get()); code != 0)
      return detail::io_error(path(), "cannot be written to the disk", code);
    return {};
  }

  /// Shows the whole lines that can be written, and nothing where there are none.
  void show_whole_lines() {
    if (state_ != state::hidden)
      return;
    if (file_) {
      if (!write_failed_)
        static_cast<void>(write_buffer());
      if (::ftruncate(file_.get(), static_cast<off_t>(whole_bytes_)) != 0 || !seal())
        whole_bytes_ = 0;
    }
    if (whole_bytes_ == 0 || (!show() && state_ != state::shown))
      remove();
  }

  void remove() {
    if (state_ == state::hidden)
      ::unlinkat(folder_.get(), hidden().c_str(), 0);
    else if (state_ == state::shown)
      ::unlinkat(folder_.get(), name_.c_str(), 0);
    state_ = state::gone;
    file_.close();
  }

private:
  enum class state { gone, hidden, shown };

  std::string hidden() const { return "." + name_; }
  std::string hidden_path() const { return folder_path_ + hidden(); }

  int rename_hidden() const {
    const auto from = hidden();
    if (::renameat2(folder_.get(), from.c_str(), folder_.get(), name_.c_str(), RENAME_NOREPLACE)
        == 0)
      return 0;
    // Not every file system can refuse to replace.
    if (errno != EINVAL && errno != ENOSYS)
      return -1;
    if (::faccessat(folder_.get(), name_.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
      errno = EEXIST;
      return -1;
    }
    return ::renameat(folder_.get(), from.c_str(), folder_.get(), name_.c_str());
  }

  detail::owned_fd folder_;
  detail::owned_fd file_;
  std::string folder_path_;
  std::string name_;
  std::size_t buffer_bytes_;
  std::string buffer_;
  // Up to where the file holds whole lines.
  std::uint64_t whole_bytes_ = 0;
  bool write_failed_ = false;
  state state_ = state::gone;
};

part_file_sink::part_file_sink(std::string folder, std::size_t buffer_bytes)
  : folder_(std::move(folder)),
    buffer_bytes_(std::max<std::size_t>(buffer_bytes, 1)) {}

part_file_sink::~part_file_sink() = default;

expected<void> part_file_sink::open(const instance_context& context) {
  if (context.subtask >= instances_max)
    return error{error_kind::argument, context.stage,
                 "has more than 10,000 instances, and part files have numbers of 4 digits"};
  auto folder = detail::open_file(AT_FDCWD, folder_, O_RDONLY | O_DIRECTORY);
  if (!folder)
    return detail::io_error(folder_, "cannot be opened", errno);
  part_ = std::make_unique<part>(std::move(folder), folder_,
                                 part_file_name(only_checkpoint, context.subtask), buffer_bytes_);
  return part_->create();
}

expected<poll_result> part_file_sink::write(batch<json_record>& in, std::size_t& next,
                                            std::size_t end) {
  while (next < end)
    if (auto ok = part_->append(in.value(next++)); !ok)
      return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

expected<poll_result> part_file_sink::flush() {
  if (auto ok = part_->write_buffer(); !ok)
    return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

expected<poll_result> part_file_sink::prepare() {
  if (auto ok = part_->seal(); !ok)
    return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

expected<void> part_file_sink::commit() {
  return part_->show();
}

void part_file_sink::abandon(bool keep_partial) {
  if (!part_)
    return;
  if (keep_partial)
    part_->show_whole_lines();
  else
    part_->remove();
}

std::string part_file_sink::path() const {
  return part_ ? part_->path() : std::string{};
}

} // namespace weir
