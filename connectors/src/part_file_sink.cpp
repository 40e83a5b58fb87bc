// SPDX-License-Identifier: Apache-2.0

#include "weir/part_file_sink.hpp"

#include "weir/output_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <string_view>
#include <utility>

namespace weir {

namespace {

constexpr std::uint64_t only_checkpoint = 1;
constexpr std::uint32_t instances_max = 10'000;

} // namespace

/// One part file, from its hidden beginning to its end.
class part_file_sink::part {
public:
  part(std::shared_ptr<file_system> on, owned_fd folder, std::string folder_path, std::string name,
       std::size_t buffer_bytes)
    : on_(std::move(on)),
      folder_(std::move(folder)),
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
    auto [file, code] = open_file(on_, folder_.get(), hidden(), O_WRONLY | O_CREAT | O_EXCL);
    if (code == EEXIST)
      return error{error_kind::io, hidden_path(), "is there already: another run writes to it"};
    if (!file)
      return io_error(hidden_path(), "cannot be created", code);
    file_ = std::move(file);
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
    const int code = write_all(*on_, file_.get(), buffer_, written);
    // The buffer holds whole lines, so what lies in front of it does as well.
    const auto last_end = std::string_view{buffer_}.substr(0, written).rfind('\n');
    if (last_end != std::string_view::npos)
      whole_bytes_ += last_end + 1;
    buffer_.clear();
    if (code == 0)
      return {};
    write_failed_ = true;
    return io_error(hidden_path(), "cannot be written", code);
  }

  /// Nothing can be written behind it any more.
  expected<void> seal() {
    if (auto ok = write_buffer(); !ok)
      return ok;
    int code = on_->sync(file_.get());
    if (code == 0)
      code = file_.close();
    if (code != 0)
      return io_error(hidden_path(), "cannot be written to the disk", code);
    return {};
  }

  expected<void> show() {
    if (const int code = on_->rename(folder_.get(), hidden().c_str(), folder_.get(), name_.c_str(),
                                     /*replace=*/false);
        code != 0)
      return io_error(path(), "cannot be made visible", code);
    state_ = state::shown;
    if (const int code = on_->sync(folder_.get()); code != 0)
      return io_error(path(), "cannot be written to the disk", code);
    return {};
  }

  /// Shows the whole lines that can be written, and nothing where there are none.
  void show_whole_lines() {
    if (state_ != state::hidden)
      return;
    if (file_) {
      if (!write_failed_)
        static_cast<void>(write_buffer());
      if (on_->truncate(file_.get(), whole_bytes_) != 0 || !seal())
        whole_bytes_ = 0;
    }
    if (whole_bytes_ == 0 || (!show() && state_ != state::shown))
      remove();
  }

  void remove() {
    if (state_ == state::hidden)
      on_->remove_file(folder_.get(), hidden().c_str());
    else if (state_ == state::shown)
      on_->remove_file(folder_.get(), name_.c_str());
    state_ = state::gone;
    file_.close();
  }

private:
  enum class state { gone, hidden, shown };

  std::string hidden() const { return "." + name_; }
  std::string hidden_path() const { return folder_path_ + hidden(); }

  std::shared_ptr<file_system> on_;
  owned_fd folder_;
  owned_fd file_;
  std::string folder_path_;
  std::string name_;
  std::size_t buffer_bytes_;
  std::string buffer_;
  // Up to where the file holds whole lines.
  std::uint64_t whole_bytes_ = 0;
  bool write_failed_ = false;
  state state_ = state::gone;
};

part_file_sink::part_file_sink(std::string folder, std::size_t buffer_bytes,
                               std::shared_ptr<file_system> on)
  : folder_(std::move(folder)),
    buffer_bytes_(std::max<std::size_t>(buffer_bytes, 1)),
    on_(std::move(on)) {}

part_file_sink::~part_file_sink() = default;

expected<void> part_file_sink::open(const instance_context& context) {
  if (context.subtask >= instances_max)
    return error{error_kind::argument, context.stage,
                 "has more than 10,000 instances, and part files have numbers of 4 digits"};
  auto [folder, code] = open_file(on_, AT_FDCWD, folder_, O_RDONLY | O_DIRECTORY);
  if (!folder)
    return io_error(folder_, "cannot be opened", code);
  part_ = std::make_unique<part>(on_, std::move(folder), folder_,
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

expected<poll_result> part_file_sink::prepare(std::uint64_t, bool) {
  if (auto ok = part_->seal(); !ok)
    return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

expected<poll_result> part_file_sink::commit(std::uint64_t) {
  if (auto ok = part_->show(); !ok)
    return std::move(ok).why();
  return poll_result{poll_state::done, {}};
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
