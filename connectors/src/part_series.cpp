// SPDX-License-Identifier: Apache-2.0

#include "part_series.hpp"

#include "part_recovery.hpp"
#include "pending_parts.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <mutex>
#include <string_view>
#include <utility>

namespace weir::detail {

namespace {

// What a series may say of what is pending: two, with a number in front of each line, are in 1 MiB.
constexpr std::size_t pending_bytes_max = 448 * 1024;
// A size, whether it is visible, a space, a line's end.
constexpr std::size_t pending_line_bytes = 23;
// Parts whose tasks have not run, as of checkpoints that came to nothing, hold a descriptor each.
constexpr std::size_t open_parts_max = 64;

} // namespace

/// Used by tasks too, which may outlive the series.
struct part_series::open_folder {
  owned_fd fd;
  folder_path path;
  std::string name;

  int get() const noexcept { return fd.get(); }

  expected<void> sync() const {
    const int code = fd.on().sync(fd.get());
    return code == 0 ? expected<void>{} : io_error(name, "cannot be written to the disk", code);
  }
};

/// One part file, from its hidden beginning to its end. What was prepared is shared with the tasks: the
/// series alone touches the names then, and what touches the descriptor is under a lock.
class part_series::part {
public:
  part(std::shared_ptr<file_system> on, std::shared_ptr<const open_folder> folder,
       const std::string& folder_path, std::string name, std::string_view mark)
    : on_(std::move(on)),
      folder_(std::move(folder)),
      name_(std::move(name)),
      hidden_(hidden_name(name_, mark)),
      hidden_path_(path_in(folder_path, hidden_)) {}

  const std::string& name() const noexcept { return name_; }
  std::uint64_t bytes() const noexcept { return whole_bytes_; }
  bool has_failed() const noexcept { return has_failed_; }

  expected<void> create() {
    auto [file, code] = open_file(on_, folder_->get(), hidden_, O_WRONLY | O_CREAT | O_EXCL);
    if (code == EEXIST)
      return error{error_kind::io, hidden_path_,
                   "is there already: another run writes to it; wait for its end, or choose another "
                   "folder"};
    if (!file)
      return io_error(hidden_path_, "cannot be created", code);
    file_ = std::move(file);
    return {};
  }

  /// Leaves `lines` empty.
  expected<void> write(std::string& lines) {
    std::size_t written = 0;
    const int code = write_all(*on_, file_.get(), lines, written);
    // The buffer holds whole lines, so what lies in front of it does as well.
    const auto last_end = std::string_view{lines}.substr(0, written).rfind('\n');
    if (last_end != std::string_view::npos)
      whole_bytes_ += last_end + 1;
    lines.clear();
    if (code == 0)
      return {};
    has_failed_ = true;
    return io_error(hidden_path_, "cannot be written", code);
  }

  /// The descriptor stays open until it has been synced: of a file that nobody has open, the system may
  /// forget that its bytes could not be written.
  expected<void> make_durable() {
    const std::lock_guard guard{mutex_};
    if (is_lost_)
      return error{error_kind::io, hidden_path_,
                   "could not be written to the disk before, and a second try would not tell; check "
                   "the device"};
    if (!file_)
      return {};
    int code = on_->sync(file_.get());
    if (code == 0)
      code = file_.close();
    if (code == 0)
      return {};
    is_lost_ = true;
    return io_error(hidden_path_, "cannot be written to the disk", code);
  }

  expected<void> show(const std::string& path) {
    const int code = on_->rename(folder_->get(), hidden_.c_str(), folder_->get(), name_.c_str(),
                                 /*replace=*/false);
    if (code == EEXIST)
      return error{error_kind::io, path,
                   "is there already, so the hidden part of this name cannot be made visible: "
                   "something else has made it; move it away"};
    return code == 0 ? expected<void>{} : io_error(path, "cannot be made visible", code);
  }

  bool is_open() {
    const std::lock_guard guard{mutex_};
    return static_cast<bool>(file_);
  }

  /// Whether the file holds whole lines, at least one of them, and nothing else.
  bool cut_to_whole_lines() {
    return whole_bytes_ > 0 && (!has_failed_ || on_->truncate(file_.get(), whole_bytes_) == 0);
  }

  void remove(bool shown) {
    on_->remove_file(folder_->get(), (shown ? name_ : hidden_).c_str());
    const std::lock_guard guard{mutex_};
    file_.close();
  }

private:
  const std::shared_ptr<file_system> on_;
  const std::shared_ptr<const open_folder> folder_;
  const std::string name_;
  const std::string hidden_;
  const std::string hidden_path_;
  std::mutex mutex_;
  owned_fd file_;
  // Up to where the file holds whole lines.
  std::uint64_t whole_bytes_ = 0;
  bool has_failed_ = false;
  bool is_lost_ = false;
};

part_series::part_series(part_series_settings how) : how_(std::move(how)) {}

part_series::~part_series() {
  std::erase_if(prepared_, [](const prepared_part& each) { return each.shown; });
  remove_all();
}

expected<void> part_series::open(const instance_context& context) {
  if (context.subtask >= part_instances_max)
    return error{error_kind::argument, context.stage,
                 "has more than 10,000 instances, and part files have numbers of 4 digits"};
  auto [folder, code] = open_file(how_.on, AT_FDCWD, how_.folder, O_RDONLY | O_DIRECTORY);
  if (!folder)
    return io_error(how_.folder, "cannot be opened", code);
  if (const int refused = how_.on->may_change(folder.get()); refused != 0)
    return io_error(how_.folder, "cannot be written to", refused);
  folder_ = std::make_shared<const open_folder>(
    open_folder{std::move(folder), folder_path{how_.on, how_.folder}, how_.folder});
  instance_ = context.subtask;
  checkpointed_ = context.checkpointed;
  mark_ = checkpointed_ ? mark_of(context.run) : "";
  next_number_ = context.checkpoint + 1;
  return {};
}

// -- lines --

expected<void> part_series::write_if_much() {
  return buffer_.size() < how_.buffer_bytes ? expected<void>{} : write();
}

expected<void> part_series::write() {
  if (buffer_.empty())
    return {};
  if (!part_)
    if (auto ok = begin_part(); !ok)
      return ok;
  return part_->write(buffer_);
}

expected<void> part_series::begin_part() {
  auto begun = std::make_shared<part>(how_.on, folder_, how_.folder,
                                      how_.names.visible(next_number_, instance_), mark_);
  if (auto ok = begun->create(); !ok)
    return ok;
  part_ = std::move(begun);
  return {};
}

void part_series::end_part(std::uint64_t checkpoint) {
  if (part_)
    prepared_.push_back({std::exchange(part_, nullptr), checkpoint});
}

// -- the two phases --

expected<void> part_series::prepare(std::uint64_t checkpoint, bool last) {
  if (auto ok = write(); !ok)
    return ok;
  if (!part_ && how_.shows_empty && !checkpointed_ && prepared_.empty())
    if (auto ok = begin_part(); !ok)
      return ok;
  for (auto& each : prepared_)
    if (each.shown && !each.name_durable_at)
      each.name_durable_at = checkpoint;
  end_part(checkpoint);
  next_number_ = checkpoint + 1;
  is_last_ = last;
  return bound_pending();
}

expected<void> part_series::bound_pending() {
  std::size_t bytes = 0;
  for (const auto& each : prepared_)
    bytes += each.what->name().size() + pending_line_bytes;
  if (bytes > pending_bytes_max)
    return error{error_kind::io, how_.folder,
                 "holds " + counted(prepared_.size(), "hidden part")
                   + " of checkpoints that came to nothing, and no checkpoint can say more; the log "
                     "says why they failed: mend that, or let the job make them less often"};
  // Their tasks may never have run; all but the newest, which are still to come.
  for (std::size_t i = 0; i + open_parts_max < prepared_.size(); ++i)
    if (prepared_[i].what->is_open())
      if (auto ok = prepared_[i].what->make_durable(); !ok)
        return ok;
  return {};
}

pending_output part_series::pending() {
  if (prepared_.empty())
    return {};
  pending_output result;
  std::vector<std::shared_ptr<part>> parts;
  for (const auto& each : prepared_) {
    append_pending_part(result.state, each.what->name(), each.what->bytes(), each.shown);
    if (!each.shown)
      parts.push_back(each.what);
  }
  // Also those of checkpoints that came to nothing, whose tasks may never have run.
  result.make_durable
    = [parts = std::move(parts), folder = folder_, looks = checkpointed_]() -> expected<void> {
    for (const auto& each : parts)
      if (auto ok = each->make_durable(); !ok)
        return ok;
    // What goes on from this checkpoint looks for the parts by the folder's path.
    if (looks)
      if (auto ok = folder->path.check(folder->fd); !ok)
        return ok;
    return folder->sync();
  };
  return result;
}

expected<void> part_series::commit(std::uint64_t checkpoint) {
  for (auto& each : prepared_)
    if (each.prepared_for <= checkpoint && !each.shown)
      if (auto ok = show(each); !ok)
        return ok;
  std::erase_if(prepared_, [&](const prepared_part& each) {
    return each.name_durable_at && *each.name_durable_at <= checkpoint;
  });
  // Else the next checkpoint's task does.
  return is_last_ && !prepared_.empty() ? folder_->sync() : expected<void>{};
}

expected<void> part_series::show(prepared_part& which) {
  auto shown = which.what->show(path_in(how_.folder, which.what->name()));
  which.shown = shown.has_value();
  return shown;
}

void part_series::abandon(bool keep_partial) {
  if (!folder_)
    return;
  if (keep_partial && !checkpointed_)
    show_whole_lines();
  else
    remove_all();
}

/// Shows what can be shown, and nothing where there is no line.
void part_series::show_whole_lines() {
  if (!part_ || !part_->has_failed())
    static_cast<void>(write());
  end_part(next_number_);
  for (auto& each : prepared_)
    if (!each.shown
        && (!each.what->cut_to_whole_lines() || !each.what->make_durable() || !show(each)))
      each.what->remove(/*shown=*/false);
  static_cast<void>(folder_->sync());
  prepared_.clear();
}

/// With checkpoints, what was prepared is for `recover` to decide about.
void part_series::remove_all() {
  buffer_.clear();
  if (part_)
    std::exchange(part_, nullptr)->remove(/*shown=*/false);
  if (!checkpointed_)
    for (const auto& each : prepared_)
      each.what->remove(each.shown);
  prepared_.clear();
}

expected<std::vector<std::string>> part_series::recover(const sink_recovery& from) {
  return recover_parts({how_.on, folder_->get(), how_.folder}, how_.names, mark_, from);
}

expected<std::vector<std::string>> part_series::recover_all_of_stem(const std::string& plain,
                                                                    newer_output newer) {
  return recover_series({how_.on, folder_->get(), how_.folder}, how_.names, mark_, plain, newer);
}

std::string part_series::path() const {
  if (!folder_)
    return {};
  const auto name = part_                ? part_->name()
                    : !prepared_.empty() ? prepared_.back().what->name()
                                         : how_.names.visible(next_number_, instance_);
  return path_in(how_.folder, name);
}

} // namespace weir::detail
