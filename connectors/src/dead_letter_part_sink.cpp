// SPDX-License-Identifier: Apache-2.0

#include "weir/dead_letter_part_sink.hpp"

#include "part_search.hpp"
#include "part_series.hpp"
#include "series_owner.hpp"

#include "weir/directory_store.hpp"
#include "weir/same_place.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <utility>

namespace weir {

namespace {

constexpr std::size_t buffer_bytes = 256 * 1024;
constexpr std::string_view suffix = ".ndjson";
// What file systems allow.
constexpr std::size_t name_bytes_max = 255;

struct split_path {
  std::string folder;
  std::string name;
};

split_path split(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == path.npos)
    return {".", path};
  return {slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1)};
}

std::string stem_of(const std::string& name) {
  return name.size() > suffix.size() && name.ends_with(suffix)
           ? name.substr(0, name.size() - suffix.size())
           : name;
}

/// What all parts of a path's letters begin with, however it is spelled.
std::string series_of(const std::string& path) {
  const auto [folder, name] = split(path);
  return detail::path_in(detail::plain_path(folder), stem_of(name));
}

/// What is at the path; nothing where nothing is. Only a file, a device or nothing will do.
expected<std::optional<file_kind>> look_at(const std::string& path,
                                           const std::shared_ptr<file_system>& on) {
  file_facts facts;
  const int code = on->about(AT_FDCWD, path.c_str(), /*follow=*/true, facts);
  if (code == ENOENT)
    return std::optional<file_kind>{};
  if (code != 0)
    return io_error(path, "cannot be looked at", code);
  if (facts.kind != file_kind::regular && facts.kind != file_kind::device)
    return error{error_kind::io, path, "is no file; dead letters are written to a file"};
  return std::optional{facts.kind};
}

/// Each line of a target's state gets the target's number in front.
void append_state(std::string& to, std::size_t target, std::string_view lines) {
  while (!lines.empty()) {
    const auto end = lines.find('\n') + 1;
    to += std::to_string(target) + " ";
    to += lines.substr(0, end);
    lines.remove_prefix(end);
  }
}

/// The counterpart: the lines of each of so many targets. Nothing where there is a line of another.
std::optional<std::vector<std::string>> split_state(std::string_view state, std::size_t targets) {
  std::vector<std::string> of(targets);
  while (!state.empty()) {
    const auto end = std::min(state.find('\n'), state.size() - 1) + 1;
    const auto target = static_cast<std::size_t>(state.front() - '0');
    if (target >= targets || end < 3 || state[1] != ' ')
      return std::nullopt;
    of[target] += state.substr(2, end - 2);
    state.remove_prefix(end);
  }
  return of;
}

} // namespace

expected<dead_letter_lock> dead_letter_lock::take(const std::string& path,
                                                  const std::shared_ptr<file_system>& on) {
  const auto kind = look_at(path, on);
  if (!kind)
    return kind.why();
  if (*kind == file_kind::device)
    return dead_letter_lock{owned_fd{}};
  const auto [folder, name] = split(path);
  // That of the parts, which `bad` and `bad.ndjson` have in common.
  const auto lock_path
    = detail::path_in(folder, "." + stem_of(name) + std::string{suffix} + ".lock");
  auto file = open_lock_file(on, AT_FDCWD, lock_path, lock_path);
  if (!file)
    return std::move(file).why();
  if (on->lock(file->get()) == EWOULDBLOCK)
    return error{error_kind::io, path,
                 "is being written to by another run; wait for its end, or name another file"};
  return dead_letter_lock{*std::move(file)};
}

expected<std::vector<std::string>> dead_letter_files(const std::string& path,
                                                     const std::shared_ptr<file_system>& on) {
  const auto [folder, name] = split(path);
  const auto opened = open_file(on, AT_FDCWD, folder, O_RDONLY | O_DIRECTORY);
  if (opened.code == ENOENT)
    return std::vector<std::string>{};
  if (!opened.fd)
    return io_error(folder, "cannot be opened", opened.code);
  auto names = detail::names_of_series({on, opened.fd.get(), folder}, {stem_of(name), {}}, name);
  if (!names)
    return std::move(names).why();
  for (auto& each : *names)
    each = detail::path_in(folder, each);
  return names;
}

/// One of the paths: a series of parts, or a device.
class dead_letter_part_sink::target {
public:
  target(std::string path, const std::string& stage, std::shared_ptr<file_system> on)
    : path_(std::move(path)),
      on_(std::move(on)) {
    auto [folder, name] = split(path_);
    folder_ = std::move(folder);
    name_ = std::move(name);
    names_ = {stem_of(name_), file_name_of(stage)};
  }

  expected<void> open(const instance_context& context) {
    const auto kind = look_at(path_, on_);
    if (!kind)
      return kind.why();
    if (*kind == file_kind::device)
      return open_device();
    const auto longest = detail::hidden_name(names_.visible(0, 0), detail::mark_of({}));
    if (longest.size() > name_bytes_max || longest.find('\n') != longest.npos)
      return error{error_kind::argument, path_,
                   "cannot be the beginning of a file's name; name another file, or the stage "
                     + context.stage + " shorter"};
    parts_.emplace(
      detail::part_series_settings{folder_, names_, buffer_bytes, /*shows_empty=*/false, on_});
    return parts_->open(context);
  }

  expected<std::vector<std::string>> recover(const sink_recovery& from) {
    if (!parts_)
      return std::vector<std::string>{};
    // Also of stages that the job has no longer.
    return from.checkpoint == 0 ? parts_->recover_all_of_stem(name_, from.newer)
                                : parts_->recover(from);
  }

  const std::string& path() const noexcept { return path_; }

  bool is_same_series(const target& other) const {
    return names_.stem == other.names_.stem && is_same_place(folder_, other.folder_);
  }

  /// What is gathered, for `write_if_much`.
  std::string& lines() { return parts_ ? parts_->lines() : lines_; }

  expected<void> write_if_much() {
    return parts_                         ? parts_->write_if_much()
           : lines_.size() < buffer_bytes ? expected<void>{}
                                          : write();
  }

  expected<void> write() {
    if (parts_)
      return parts_->write();
    return lines_.empty() ? expected<void>{} : device_->append(std::exchange(lines_, {}));
  }

  expected<void> prepare(std::uint64_t checkpoint, bool last) {
    return parts_ ? parts_->prepare(checkpoint, last) : write();
  }

  pending_output pending() { return parts_ ? parts_->pending() : pending_output{}; }

  expected<void> commit(std::uint64_t checkpoint) {
    return parts_ ? parts_->commit(checkpoint) : expected<void>{};
  }

  void abandon(bool keep_partial) {
    if (parts_)
      parts_->abandon(keep_partial);
  }

  expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const {
    return checkpoint == 0 ? detail::visible_of_series(on_, folder_, names_, name_)
                           : detail::newer_parts(on_, folder_, names_, checkpoint);
  }

  /// What `recover` deals with.
  expected<std::vector<std::string>> hidden_of_others(const run_id& run,
                                                      std::uint64_t checkpoint) const {
    return detail::hidden_of_others(on_, folder_, names_, detail::mark_of(run),
                                    /*any_stage=*/checkpoint == 0);
  }

  expected<void> check_owner(const run_id& run) const {
    const auto kind = look_at(path_, on_);
    if (!kind)
      return kind.why();
    return *kind == file_kind::device
             ? expected<void>{}
             : detail::check_owner(on_, folder_, names_, detail::mark_of(run));
  }

  /// Of the series, so that stages that name one path have places of their own.
  std::string place() const {
    return detail::path_in(detail::plain_path(folder_), names_.stem + "-" + names_.stage);
  }

private:
  expected<void> open_device() {
    auto device = dead_letter_file::open(path_, on_);
    if (!device)
      return std::move(device).why();
    device_ = *std::move(device);
    return {};
  }

  const std::string path_;
  const std::shared_ptr<file_system> on_;
  std::string folder_;
  std::string name_;
  detail::part_names names_;
  // One of the two, once it is open.
  std::optional<detail::part_series> parts_;
  std::shared_ptr<dead_letter_file> device_;
  std::string lines_;
};

dead_letter_part_sink::dead_letter_part_sink(dead_letter_paths to, std::string stage,
                                             std::string file, std::shared_ptr<file_system> on)
  : stage_(std::move(stage)),
    file_(std::move(file)) {
  if (to.letters.empty())
    to.letters = to.bad_records;
  // Two series of one name would take each other's parts for their own.
  if (to.bad_records.empty() || series_of(to.bad_records) == series_of(to.letters))
    to.bad_records = to.letters;
  targets_.push_back(std::make_unique<target>(to.letters, stage_, on));
  if (to.bad_records != to.letters)
    targets_.push_back(std::make_unique<target>(to.bad_records, stage_, on));
}

dead_letter_part_sink::~dead_letter_part_sink() = default;

expected<void> dead_letter_part_sink::open(const instance_context& context) {
  if (targets_.size() == 2 && targets_[0]->is_same_series(*targets_[1]))
    return error{error_kind::argument, targets_[1]->path(),
                 "leads to the same files as " + targets_[0]->path() + "; give both one path"};
  for (const auto& each : targets_)
    if (auto ok = each->open(context); !ok)
      return ok;
  return {};
}

expected<std::vector<std::string>> dead_letter_part_sink::recover(const sink_recovery& from) {
  std::vector<sink_recovery> of(targets_.size(), {from.checkpoint, {}, from.newer});
  for (const auto& state : from.states) {
    auto split = split_state(state, targets_.size());
    if (!split)
      return error{error_kind::damaged, stage_,
                   "cannot go on from checkpoint " + std::to_string(from.checkpoint)
                     + ": what it says is pending names no dead letters of this stage"};
    for (std::size_t i = 0; i < of.size(); ++i)
      of[i].states.push_back(std::move((*split)[i]));
  }
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < of.size(); ++i) {
    auto done = targets_[i]->recover(of[i]);
    if (!done)
      return done;
    lines.insert(lines.end(), done->begin(), done->end());
  }
  return lines;
}

dead_letter_part_sink::target& dead_letter_part_sink::target_of(
  const dead_letter<json_record>& letter) const {
  return letter.why.is(error_kind::bad_record) ? *targets_.back() : *targets_.front();
}

expected<poll_result> dead_letter_part_sink::write(batch<dead_letter<json_record>>& in,
                                                   std::size_t& next, std::size_t end) {
  origin_runs::cursor origins;
  while (next < end) {
    const auto& letter = in.value(next);
    auto& to = target_of(letter);
    append_dead_letter(to.lines(), letter, stage_, file_, origins.at(in.origins(), next).position);
    ++next;
    if (auto ok = to.write_if_much(); !ok)
      return std::move(ok).why();
  }
  return poll_result{poll_state::done, {}};
}

expected<poll_result> dead_letter_part_sink::flush() {
  for (const auto& each : targets_)
    if (auto ok = each->write(); !ok)
      return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

expected<poll_result> dead_letter_part_sink::prepare(std::uint64_t checkpoint, bool last) {
  for (const auto& each : targets_)
    if (auto ok = each->prepare(checkpoint, last); !ok)
      return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

pending_output dead_letter_part_sink::pending() {
  pending_output all;
  std::vector<unique_function<expected<void>()>> tasks;
  for (std::size_t i = 0; i < targets_.size(); ++i) {
    auto of = targets_[i]->pending();
    append_state(all.state, i, of.state);
    if (of.make_durable)
      tasks.push_back(std::move(of.make_durable));
  }
  if (!tasks.empty())
    all.make_durable = [tasks = std::move(tasks)]() mutable -> expected<void> {
      for (auto& each : tasks)
        if (auto ok = each(); !ok)
          return ok;
      return {};
    };
  return all;
}

expected<poll_result> dead_letter_part_sink::commit(std::uint64_t checkpoint) {
  for (const auto& each : targets_)
    if (auto ok = each->commit(checkpoint); !ok)
      return std::move(ok).why();
  return poll_result{poll_state::done, {}};
}

void dead_letter_part_sink::abandon(bool keep_partial) {
  for (const auto& each : targets_)
    each->abandon(keep_partial);
}

expected<std::vector<std::string>> dead_letter_part_sink::newer_than(
  std::uint64_t checkpoint) const {
  return of_all_targets([&](const target& each) { return each.newer_than(checkpoint); });
}

expected<std::vector<std::string>> dead_letter_part_sink::hidden_of_others(
  const run_id& run, std::uint64_t checkpoint) const {
  return of_all_targets([&](const target& each) { return each.hidden_of_others(run, checkpoint); });
}

expected<void> dead_letter_part_sink::check_owner(const run_id& run) const {
  for (const auto& each : targets_)
    if (auto ok = each->check_owner(run); !ok)
      return ok;
  return {};
}

template <class Find>
expected<std::vector<std::string>> dead_letter_part_sink::of_all_targets(Find find) const {
  std::vector<std::string> all;
  for (const auto& each : targets_) {
    auto found = find(*each);
    if (!found)
      return found;
    all.insert(all.end(), found->begin(), found->end());
  }
  return all;
}

std::string dead_letter_part_sink::place() const {
  std::string all;
  for (const auto& each : targets_)
    all += (all.empty() ? "" : ", ") + each->place();
  return all;
}

} // namespace weir
