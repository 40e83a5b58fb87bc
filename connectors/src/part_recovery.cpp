// SPDX-License-Identifier: Apache-2.0

#include "part_recovery.hpp"

#include "part_search.hpp"
#include "parts_aside.hpp"
#include "pending_parts.hpp"
#include "series_owner.hpp"

#include <cerrno>
#include <fcntl.h>
#include <map>
#include <mutex>
#include <utility>

namespace weir::detail {

namespace {

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
  std::string hidden(std::string_view visible) const { return hidden_name(visible, mark_); }
  expected<void> check_owner() const;
  expected<void> check_newer() const;
  expected<void> refuse_newer() const;
  expected<void> check_unused(const std::string& name) const;
  expected<void> check_hidden() const;
  expected<void> check_pending(const std::string& name, const pending_part& part);
  expected<void> check_shown(const std::string& name, std::uint64_t bytes);
  expected<void> check_file(const std::string& name) const;
  expected<void> move_newer();
  /// All that is not this run's to keep.
  std::vector<std::string> all_newer() const;
  std::string count_of_others() const;
  std::string count_of_newer() const;

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
    if (auto ok = read_pending_parts(each, in_, names_, from_.checkpoint, pending_); !ok)
      return ok;
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
  return has_been_here ? detail::check_owner(in_, names_, mark_) : expected<void>{};
}

expected<void> recovery::take_over() {
  return note_owner(in_, names_, mark_);
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
  const auto facts = in_.about(name);
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
  const auto facts = in_.about(hidden(name));
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
    if (auto ok = in_.remove(hidden(name)); !ok)
      return ok;
  for (const auto& name : found_.left)
    if (auto ok = in_.remove(name); !ok)
      return ok;
  return {};
}

expected<void> recovery::handle_newer() {
  if (from_.newer == newer_output::move_aside) {
    if (auto ok = move_newer(); !ok)
      return ok;
    return sync_aside(in_, from_.checkpoint);
  }
  for (const auto& name : all_newer())
    if (auto ok = in_.remove(name); !ok)
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
  const auto folder = move_aside(in_, all, from_.checkpoint);
  if (!folder)
    return folder.why();
  if (!found_.newer.empty())
    lines_.push_back("moved " + count_of_newer() + " to " + *folder);
  if (!found_.of_others.empty())
    lines_.push_back("moved " + count_of_others() + " to " + *folder);
  return {};
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

expected<void> recovery::sync() {
  return in_.sync();
}

} // namespace

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

} // namespace weir::detail
