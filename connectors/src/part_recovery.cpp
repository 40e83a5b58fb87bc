// SPDX-License-Identifier: Apache-2.0

#include "part_recovery.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

namespace weir::detail {

namespace {

constexpr std::size_t owner_bytes_max = 64;
// Of what is moved aside: not through a link, which may lead to another disk or to nothing.
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool is_no_folder(int code) noexcept {
  return code == ENOTDIR || code == ELOOP;
}

/// In the order of their names.
struct parts_found {
  /// Of this run, by visible names.
  std::set<std::string> hidden;
  std::set<std::string> visible;
  /// Of `visible`.
  std::vector<std::string> newer;
  /// Hidden, of runs without checkpoints, which are over: whole names.
  std::vector<std::string> left;
  /// Hidden, of other runs with checkpoints, which may go on: whole names.
  std::vector<std::string> of_others;

  void add_hidden(const std::string& name, const hidden_part_name& parts, std::string_view mark) {
    if (parts.mark == mark)
      hidden.emplace(parts.visible);
    else
      (parts.mark.empty() ? left : of_others).push_back(name);
  }

  void sort() {
    for (auto* const each : {&newer, &left, &of_others})
      std::sort(each->begin(), each->end());
  }
};

expected<parts_found> find_parts(const part_folder& in, const part_names& names,
                                 std::string_view mark, std::uint64_t checkpoint) {
  std::vector<std::string> all;
  if (const int code = in.on->list(in.fd, all); code != 0)
    return io_error(in.path, "cannot be listed", code);
  parts_found found;
  for (auto& name : all) {
    if (const auto number = names.checkpoint_of(name)) {
      if (*number > checkpoint)
        found.newer.push_back(name);
      found.visible.insert(std::move(name));
    } else if (const auto parts = as_hidden(name); parts && names.checkpoint_of(parts->visible)) {
      found.add_hidden(name, *parts, mark);
    }
  }
  found.sort();
  return found;
}

/// Of all stages with this stem, and the file `plain`; all that is visible is newer than what a run begins
/// with. Files alone: these names may as well be others'.
expected<parts_found> find_series(const part_folder& in, const part_names& names,
                                  std::string_view mark, const std::string& plain) {
  std::vector<std::string> all;
  if (const int code = in.on->list(in.fd, all); code != 0)
    return io_error(in.path, "cannot be listed", code);
  parts_found found;
  for (auto& name : all) {
    const bool is_visible = name == plain || names.checkpoint_of_any_stage(name);
    const auto parts = is_visible ? std::nullopt : as_hidden(name);
    if (!is_visible && !(parts && names.checkpoint_of_any_stage(parts->visible)))
      continue;
    file_facts facts;
    const int code = in.on->about(in.fd, name.c_str(), /*follow=*/false, facts);
    if (code != 0 && code != ENOENT)
      return io_error(in.path_of(name), "cannot be looked at", code);
    if (code != 0 || facts.kind != file_kind::regular)
      continue;
    if (is_visible)
      found.visible.insert(std::move(name));
    else
      found.add_hidden(name, *parts, mark);
  }
  found.newer.assign(found.visible.begin(), found.visible.end());
  found.sort();
  return found;
}

error not_noted(const part_folder& in, const part_names& names, const std::string& mark,
                const std::string& how) {
  return {error_kind::incompatible, in.path,
          how + "; put back what this run had there, or begin it anew (fresh) in a folder of its own. If it is "
                "all there, write " + mark + " into " + in.path_of(owner_name(names))};
}

/// A run that goes on must find what it has left. Whoever has begun there since has noted it, or has taken the note
/// away.
expected<void> check_noted(const part_folder& in, const part_names& names, const std::string& mark) {
  const auto name = owner_name(names);
  const auto [file, code] = open_file(in.on, in.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (code == ENOENT)
    return not_noted(in, names, mark, "has no note (" + name + ") that it holds the output of this run");
  std::string text;
  const int failed = file ? read_all(*in.on, file.get(), owner_bytes_max, text) : code;
  if (failed != 0 && failed != EFBIG)
    return io_error(in.path_of(name), "cannot be read", failed);
  if (text.substr(0, text.find('\n')) != mark)
    return not_noted(in, names, mark, "is of another run by now, which is noted in " + name);
  return {};
}

/// What a start does, step by step; the first two change nothing. The owner is written before anything else
/// changes: a start that is interrupted there finds it and goes on.
class recovery {
public:
  /// `plain`: the parts of all stages and this file are dealt with; null: those of one stage.
  recovery(const part_folder& in, const part_names& names, const std::string& mark,
           const sink_recovery& from, const std::string* plain = nullptr)
    : in_(in),
      names_(names),
      mark_(mark),
      from_(from),
      plain_(plain) {}

  expected<void> read_states();
  expected<void> look();
  expected<void> take_over();
  expected<void> show_pending();
  expected<void> remove_hidden();
  expected<void> handle_newer();
  expected<void> sync();

  expected<std::vector<std::string>> run();

private:
  struct pending_part {
    std::uint64_t bytes = 0;
    bool was_visible = false;
  };

  std::string hidden(std::string_view visible) const { return hidden_name(visible, mark_); }
  expected<void> read_state(std::string_view state);
  expected<void> check_owner() const;
  expected<void> check_newer() const;
  expected<void> refuse_newer() const;
  expected<void> check_unused(const std::string& name) const;
  expected<void> check_hidden() const;
  expected<void> check_pending(const std::string& name, const pending_part& part);
  expected<void> check_shown(const std::string& name, std::uint64_t bytes);
  expected<void> check_file(const std::string& name) const;
  expected<file_facts> about(const std::string& name) const;
  expected<void> remove(const std::string& name);
  expected<void> move_newer();
  expected<void> sync_aside() const;
  expected<owned_fd> make_folder_for_newer(std::string& name) const;
  /// All that is not this run's to keep.
  std::vector<std::string> all_newer() const;
  std::string count_of_others() const;
  std::string count_of_newer() const;
  /// The n-th folder for what is moved aside.
  std::string aside(std::uint64_t n) const;
  bool has_any_of_newer(const owned_fd& folder) const;

  const part_folder& in_;
  const part_names& names_;
  const std::string& mark_;
  const sink_recovery& from_;
  const std::string* plain_;
  /// By visible names.
  std::map<std::string, pending_part> pending_;
  parts_found found_;
  std::vector<std::string> to_show_;
  std::vector<std::string> lines_;
};

expected<std::vector<std::string>> recovery::run() {
  for (const auto step :
       {&recovery::read_states, &recovery::look, &recovery::take_over, &recovery::show_pending,
        &recovery::remove_hidden, &recovery::handle_newer, &recovery::sync})
    if (auto ok = (this->*step)(); !ok)
      return std::move(ok).why();
  return std::move(lines_);
}

expected<void> recovery::read_states() {
  for (const auto& each : from_.states)
    if (auto ok = read_state(each); !ok)
      return ok;
  return {};
}

expected<void> recovery::read_state(std::string_view state) {
  while (!state.empty()) {
    const auto end = state.find('\n');
    const auto line = state.substr(0, end);
    const auto space = line.find(' ');
    const auto name = line.substr(std::min(space + 1, line.size()));
    const auto number = names_.checkpoint_of(name);
    pending_part part;
    auto [at, code] = std::from_chars(line.data(), line.data() + line.size(), part.bytes);
    part.was_visible = at != line.data() + line.size() && *at == '+';
    at += part.was_visible ? 1 : 0;
    if (end == state.npos || space == line.npos || code != std::errc{} || at != line.data() + space
        || !number || *number > from_.checkpoint)
      return error{error_kind::damaged, in_.path,
                   "cannot go on from checkpoint " + std::to_string(from_.checkpoint)
                     + ", or start afresh: what it says is pending names no part of this sink: "
                     + std::string{line.substr(0, 100)}};
    pending_.emplace(name, part);
    state.remove_prefix(end + 1);
  }
  return {};
}

expected<void> recovery::look() {
  auto found = plain_ != nullptr ? find_series(in_, names_, mark_, *plain_)
                                 : find_parts(in_, names_, mark_, from_.checkpoint);
  if (!found)
    return std::move(found).why();
  found_ = *std::move(found);
  if (auto ok = check_owner(); !ok)
    return ok;
  if (auto ok = check_newer(); !ok)
    return ok;
  if (auto ok = check_hidden(); !ok)
    return ok;
  for (const auto& [name, part] : pending_)
    if (auto ok = check_pending(name, part); !ok)
      return ok;
  return {};
}

/// A stage that was not in the job yet has left nothing.
expected<void> recovery::check_owner() const {
  const bool has_been_here = from_.checkpoint > 0 && !from_.states.empty();
  return has_been_here ? check_noted(in_, names_, mark_) : expected<void>{};
}

/// Under a name of its own first, so that there is never half of it. Also where it is there already: it must be
/// on the disk before anything is removed, and who has written it may have died in between.
expected<void> recovery::take_over() {
  if (mark_.empty())
    return {};
  const auto name = owner_name(names_);
  const auto unfinished = name + ".tmp";
  // Stages with this stem may begin at the same time.
  static std::mutex one_at_a_time;
  const std::lock_guard guard{one_at_a_time};
  if (auto ok = remove(unfinished); !ok)
    return ok;
  auto [file, code] = open_file(in_.on, in_.fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  std::size_t written = 0;
  int failed = file ? write_all(*in_.on, file.get(), mark_ + "\n", written) : code;
  if (failed == 0)
    failed = in_.on->sync(file.get());
  if (file && failed == 0)
    failed = file.close();
  if (failed == 0)
    failed = in_.on->rename(in_.fd, unfinished.c_str(), in_.fd, name.c_str(), /*replace=*/true);
  if (failed != 0)
    return io_error(in_.path_of(name), "cannot be written", failed);
  return sync();
}

expected<void> recovery::check_newer() const {
  if (from_.newer == newer_output::refuse)
    return refuse_newer();
  for (const auto& name : found_.newer) {
    if (auto ok = check_file(name); !ok)
      return ok;
    if (plain_ != nullptr && name == *plain_)
      if (auto ok = check_unused(name); !ok)
        return ok;
  }
  return {};
}

expected<void> recovery::refuse_newer() const {
  const bool begins = from_.checkpoint == 0;
  if (!found_.newer.empty())
    return error{error_kind::incompatible, in_.path,
                 "holds " + count_of_newer() + ", the first of them " + found_.newer.front()
                   + (begins
                        ? "; let them be removed (remove_old_output), move them away, or write "
                          "elsewhere"
                        : "; going on from it would write their records again, so let them be put "
                          "aside (discard_newer_output), or move them away")};
  if (!found_.of_others.empty())
    return error{error_kind::incompatible, in_.path,
                 "holds " + count_of_others() + ", the first of them " + found_.of_others.front()
                   + ", which that run shows when it goes on; let it go on first, "
                   + (begins ? "or let them be removed (remove_old_output)"
                             : "or let them be put aside (discard_newer_output)")};
  return {};
}

/// A job without checkpoints may be writing to the file just now.
expected<void> recovery::check_unused(const std::string& name) const {
  const auto opened = open_file(in_.on, in_.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (opened.fd && in_.on->lock(opened.fd.get()) == EWOULDBLOCK)
    return error{error_kind::io, in_.path_of(name),
                 "is being written to by another run; wait for its end, or name another file"};
  return {};
}

expected<void> recovery::check_hidden() const {
  for (const auto& name : found_.hidden)
    if (auto ok = check_file(hidden(name)); !ok)
      return ok;
  for (const auto* const names : {&found_.left, &found_.of_others})
    for (const auto& name : *names)
      if (auto ok = check_file(name); !ok)
        return ok;
  return {};
}

expected<void> recovery::check_file(const std::string& name) const {
  const auto facts = about(name);
  if (!facts)
    return facts.why();
  if (facts->kind != file_kind::regular)
    return error{error_kind::io, in_.path_of(name),
                 "bears the name of a part but is no file; move it away"};
  return {};
}

expected<void> recovery::check_pending(const std::string& name, const pending_part& part) {
  const bool is_hidden = found_.hidden.contains(name);
  if (is_hidden && found_.visible.contains(name))
    return error{error_kind::incompatible, in_.path_of(name),
                 "is there, and hidden beside it the part of this name, which nobody has seen yet: "
                 "something else has made it; move it away"};
  if (found_.visible.contains(name))
    return check_shown(name, part.bytes);
  if (!is_hidden) {
    lines_.push_back(in_.path_of(name) + " belongs to checkpoint "
                     + std::to_string(from_.checkpoint) + " and is not there any more; "
                     + (part.was_visible
                          ? "it was visible when it was taken away"
                          : "somebody took it when it had been made visible, or it was lost before, with its "
                              + std::to_string(part.bytes) + " bytes"));
    return {};
  }
  const auto facts = about(hidden(name));
  if (!facts)
    return facts.why();
  if (facts->size != part.bytes)
    return error{error_kind::damaged, in_.path_of(hidden(name)),
                 "has " + std::to_string(facts->size) + " bytes, and " + std::to_string(part.bytes)
                   + " by checkpoint " + std::to_string(from_.checkpoint)
                   + ": something has changed it; put it back as it was, or start afresh"};
  to_show_.push_back(name);
  return {};
}

/// It is its reader's now, whatever that has made of it.
expected<void> recovery::check_shown(const std::string& name, std::uint64_t bytes) {
  file_facts facts;
  const int code = in_.on->about(in_.fd, name.c_str(), /*follow=*/false, facts);
  if (code == ENOENT)
    return {};
  if (code != 0)
    return io_error(in_.path_of(name), "cannot be looked at", code);
  if (facts.size != bytes)
    lines_.push_back(in_.path_of(name) + " has " + std::to_string(facts.size) + " bytes, and had "
                     + std::to_string(bytes) + " when checkpoint " + std::to_string(from_.checkpoint)
                     + " was made: something has changed it since it was made visible");
  return {};
}

expected<file_facts> recovery::about(const std::string& name) const {
  file_facts facts;
  if (const int code = in_.on->about(in_.fd, name.c_str(), /*follow=*/false, facts); code != 0)
    return io_error(in_.path_of(name), "cannot be looked at", code);
  return facts;
}

expected<void> recovery::show_pending() {
  for (const auto& name : to_show_) {
    const int code
      = in_.on->rename(in_.fd, hidden(name).c_str(), in_.fd, name.c_str(), /*replace=*/false);
    if (code != 0)
      return io_error(in_.path_of(name), "cannot be made visible", code);
    found_.hidden.erase(name);
  }
  return {};
}

expected<void> recovery::remove_hidden() {
  for (const auto& name : found_.hidden)
    if (auto ok = remove(hidden(name)); !ok)
      return ok;
  for (const auto& name : found_.left)
    if (auto ok = remove(name); !ok)
      return ok;
  return {};
}

expected<void> recovery::remove(const std::string& name) {
  const int code = in_.on->remove_file(in_.fd, name.c_str());
  if (code != 0 && code != ENOENT)
    return io_error(in_.path_of(name), "cannot be removed", code);
  return {};
}

expected<void> recovery::handle_newer() {
  if (from_.newer == newer_output::move_aside) {
    if (auto ok = move_newer(); !ok)
      return ok;
    return sync_aside();
  }
  for (const auto& name : all_newer())
    if (auto ok = remove(name); !ok)
      return ok;
  if (!found_.newer.empty())
    lines_.push_back("removed " + count_of_newer() + " from " + in_.path);
  if (!found_.of_others.empty())
    lines_.push_back("removed " + count_of_others() + " from " + in_.path);
  return {};
}

expected<void> recovery::move_newer() {
  const auto all = all_newer();
  if (all.empty())
    return {};
  std::string folder;
  const auto to = make_folder_for_newer(folder);
  if (!to)
    return to.why();
  // The folder must not vanish with what is in it.
  if (auto ok = sync(); !ok)
    return ok;
  for (const auto& name : all)
    if (const int code
        = in_.on->rename(in_.fd, name.c_str(), to->get(), name.c_str(), /*replace=*/false);
        code != 0)
      return io_error(in_.path_of(name), "cannot be moved to " + in_.path_of(folder), code);
  if (!found_.newer.empty())
    lines_.push_back("moved " + count_of_newer() + " to " + in_.path_of(folder));
  if (!found_.of_others.empty())
    lines_.push_back("moved " + count_of_others() + " to " + in_.path_of(folder));
  return {};
}

/// Also of what was moved before by a process that died, and which is therefore not found any more.
expected<void> recovery::sync_aside() const {
  for (std::uint64_t n = 1;; ++n) {
    const auto name = aside(n);
    const auto [folder, code] = open_file(in_.on, in_.fd, name, folder_flags);
    if (code == ENOENT)
      return {};
    if (!folder && !is_no_folder(code))
      return io_error(in_.path_of(name), "cannot be opened", code);
    if (folder)
      if (const int failed = in_.on->sync(folder.get()); failed != 0)
        return io_error(in_.path_of(name), "cannot be written to the disk", failed);
  }
}

/// One that was made before is used again unless it holds parts of these names: those of another time.
expected<owned_fd> recovery::make_folder_for_newer(std::string& name) const {
  for (std::uint64_t n = 1;; ++n) {
    name = aside(n);
    if (const int code = in_.on->make_folder(in_.fd, name.c_str()); code != 0 && code != EEXIST)
      return io_error(in_.path_of(name), "cannot be created", code);
    auto [folder, code] = open_file(in_.on, in_.fd, name, folder_flags);
    if (!folder && !is_no_folder(code))
      return io_error(in_.path_of(name), "cannot be opened", code);
    if (folder && !has_any_of_newer(folder))
      return std::move(folder);
  }
}

std::string recovery::count_of_newer() const {
  if (plain_ != nullptr)
    return counted(found_.newer.size(), "file") + " with earlier dead letters";
  return counted(found_.newer.size(), "part file") + " "
         + (from_.checkpoint == 0 ? "of another run"
                                  : "newer than checkpoint " + std::to_string(from_.checkpoint));
}

std::vector<std::string> recovery::all_newer() const {
  auto all = found_.newer;
  all.insert(all.end(), found_.of_others.begin(), found_.of_others.end());
  return all;
}

std::string recovery::count_of_others() const {
  return counted(found_.of_others.size(), "hidden part") + " of another run";
}

std::string recovery::aside(std::uint64_t n) const {
  return "discarded-" + std::to_string(from_.checkpoint) + (n == 1 ? "" : "." + std::to_string(n));
}

bool recovery::has_any_of_newer(const owned_fd& folder) const {
  const auto all = all_newer();
  return std::any_of(all.begin(), all.end(), [&](const std::string& name) {
    file_facts facts;
    return in_.on->about(folder.get(), name.c_str(), /*follow=*/false, facts) == 0;
  });
}

expected<void> recovery::sync() {
  if (const int code = in_.on->sync(in_.fd); code != 0)
    return io_error(in_.path, "cannot be written to the disk", code);
  return {};
}

/// Of what `find` finds. Where there is no folder, nothing is found.
template <class Find>
expected<std::vector<std::string>> paths_of(std::vector<std::string> parts_found::*which,
                                            const std::shared_ptr<file_system>& on,
                                            const std::string& path, Find find) {
  const auto opened = open_file(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (opened.code == ENOENT)
    return std::vector<std::string>{};
  if (!opened.fd)
    return io_error(path, "cannot be opened", opened.code);
  const part_folder folder{on, opened.fd.get(), path};
  expected<parts_found> found = find(folder);
  if (!found)
    return std::move(found).why();
  std::vector<std::string> paths;
  for (const auto& name : (*found).*which)
    paths.push_back(folder.path_of(name));
  return paths;
}

} // namespace

void append_pending_part(std::string& state, std::string_view name, std::uint64_t bytes,
                         bool is_visible) {
  state += std::to_string(bytes) + (is_visible ? "+ " : " ");
  state += name;
  state += '\n';
}

expected<std::vector<std::string>> recover_parts(const part_folder& folder, const part_names& names,
                                                 const std::string& mark,
                                                 const sink_recovery& from) {
  return recovery{folder, names, mark, from}.run();
}

expected<std::vector<std::string>> recover_series(const part_folder& folder,
                                                  const part_names& names, const std::string& mark,
                                                  const std::string& plain, newer_output newer) {
  // Stages that name one file may begin at the same time, and this is the output of all of them.
  static std::mutex one_at_a_time;
  const std::lock_guard guard{one_at_a_time};
  const sink_recovery from{0, {}, newer};
  return recovery{folder, names, mark, from, &plain}.run();
}

expected<std::vector<std::string>> names_of_series(const part_folder& folder,
                                                   const part_names& names,
                                                   const std::string& plain) {
  auto found = find_series(folder, names, {}, plain);
  if (!found)
    return std::move(found).why();
  auto all = std::move(found->newer);
  for (const auto& name : found->hidden)
    all.push_back(hidden_name(name, {}));
  all.insert(all.end(), found->of_others.begin(), found->of_others.end());
  std::sort(all.begin(), all.end());
  return all;
}

expected<std::vector<std::string>> newer_parts(const std::shared_ptr<file_system>& on,
                                               const std::string& path, const part_names& names,
                                               std::uint64_t checkpoint) {
  return paths_of(&parts_found::newer, on, path, [&](const part_folder& folder) {
    return find_parts(folder, names, {}, checkpoint);
  });
}

expected<void> check_owner(const std::shared_ptr<file_system>& on, const std::string& path,
                           const part_names& names, const std::string& mark) {
  const auto opened = open_file(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  const part_folder folder{on, opened.fd.get(), path};
  if (opened.code == ENOENT)
    return not_noted(folder, names, mark, "is not there any more");
  return opened.fd ? check_noted(folder, names, mark) : io_error(path, "cannot be opened", opened.code);
}

expected<std::vector<std::string>> hidden_of_others(const std::shared_ptr<file_system>& on,
                                                    const std::string& path, const part_names& names,
                                                    const std::string& mark, bool any_stage) {
  return paths_of(&parts_found::of_others, on, path, [&](const part_folder& folder) {
    return any_stage ? find_series(folder, names, mark, {}) : find_parts(folder, names, mark, 0);
  });
}

expected<std::vector<std::string>> visible_of_series(const std::shared_ptr<file_system>& on,
                                                     const std::string& path,
                                                     const part_names& names,
                                                     const std::string& plain) {
  return paths_of(&parts_found::newer, on, path, [&](const part_folder& folder) {
    return find_series(folder, names, {}, plain);
  });
}

} // namespace weir::detail
