// SPDX-License-Identifier: Apache-2.0

#include "weir/output_folder.hpp"

#include "part_names.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <string_view>

namespace weir {

namespace {

struct found_parts {
  std::vector<std::string> complete;
  /// Of runs without checkpoints, which are over.
  std::vector<std::string> hidden;
  /// Of runs with checkpoints, which show them when they go on.
  std::vector<std::string> of_others;
};

expected<found_parts> list_parts(const output_folder_state& claimed) {
  std::vector<std::string> names;
  if (const int code = claimed.lock.on().list(claimed.lock.folder(), names); code != 0)
    return io_error(claimed.path, "cannot be listed", code);
  found_parts found;
  for (auto& name : names)
    if (is_part_file_name(name)) {
      const auto hidden = detail::as_hidden(name);
      auto& of = !hidden ? found.complete : hidden->mark.empty() ? found.hidden : found.of_others;
      of.push_back(std::move(name));
    }
  for (auto* const each : {&found.complete, &found.hidden, &found.of_others})
    std::sort(each->begin(), each->end());
  return found;
}

/// Refuses a part that must not be removed.
expected<void> check_part(const output_folder_state& claimed, const std::string& name,
                          const std::vector<file_in_use>& in_use) {
  auto& on = claimed.lock.on();
  file_facts part;
  if (const int code = on.about(claimed.lock.folder(), name.c_str(), /*follow=*/false, part);
      code != 0)
    return code == ENOENT
             ? expected<void>{}
             : io_error(detail::path_in(claimed.path, name), "cannot be looked at", code);
  if (part.kind != file_kind::regular)
    return error{error_kind::io, detail::path_in(claimed.path, name),
                 "bears the name of a part but is no file; move it away"};
  for (const auto& [path, role] : in_use) {
    file_facts used;
    if (on.about(AT_FDCWD, path.c_str(), /*follow=*/true, used) == 0 && is_same_file(used, part))
      return error{error_kind::io, detail::path_in(claimed.path, name),
                   "bears the name of a part but is " + role
                     + "; move it away, or choose another folder for the parts"};
  }
  return {};
}

expected<void> check_parts(const output_folder_state& claimed, const found_parts& found,
                           const std::vector<file_in_use>& in_use) {
  for (const auto* names : {&found.complete, &found.hidden, &found.of_others})
    for (const auto& name : *names)
      if (auto ok = check_part(claimed, name, in_use); !ok)
        return ok;
  return {};
}

expected<void> remove_parts(const output_folder_state& claimed,
                            const std::vector<std::string>& names,
                            std::vector<std::string>& removed) {
  for (const auto& name : names) {
    const auto whole = detail::path_in(claimed.path, name);
    const int code = claimed.lock.on().remove_file(claimed.lock.folder(), name.c_str());
    if (code != 0 && code != ENOENT)
      return io_error(whole, "cannot be removed", code);
    removed.push_back(whole);
  }
  return {};
}

expected<void> sync_folder(const output_folder_state& claimed) {
  if (const int code = claimed.lock.on().sync(claimed.lock.folder()); code != 0)
    return io_error(claimed.path, "cannot be written to", code);
  return {};
}

/// Creates the folder where it is missing.
expected<void> make_folder(output_folder_state& state, const std::shared_ptr<file_system>& on) {
  const auto& path = state.path;
  const int code = on->make_folder(AT_FDCWD, path.c_str());
  if (code == ENOENT)
    return io_error(path, "cannot be created, since its parent folder is missing", code);
  if (code != 0 && code != EEXIST)
    return io_error(path, "cannot be created", code);
  state.created = code == 0;
  return {};
}

/// Else a crash of the machine might take the folder with all that is in it; also one that a run has made
/// that died before it came to this.
expected<void> sync_parent(const std::string& path, const std::shared_ptr<file_system>& on) {
  const auto parent = parent_of(path);
  const auto opened = open_file(on, AT_FDCWD, parent, O_RDONLY | O_DIRECTORY);
  // One that may only be searched cannot be synced.
  if (opened.code == EACCES)
    return {};
  if (!opened.fd)
    return io_error(parent, "cannot be opened", opened.code);
  if (const int code = on->sync(opened.fd.get()); code != 0)
    return io_error(parent, "cannot be written to the disk", code);
  return {};
}

/// Whether the path still leads to the open folder.
bool leads_to(const std::string& path, const owned_fd& folder) {
  file_facts by_path;
  file_facts opened;
  return folder.on().about(AT_FDCWD, path.c_str(), /*follow=*/true, by_path) == 0
         && folder.on().about(folder.get(), opened) == 0 && is_same_file(by_path, opened);
}

} // namespace

void output_folder_lock::release() noexcept {
  // Fails where something was put into it meanwhile, which is meant.
  if (folder_ && !made_.empty())
    folder_.on().remove_folder(AT_FDCWD, made_.c_str());
  folder_.close();
}

std::string part_file_name(std::uint64_t checkpoint, std::uint32_t instance) {
  return detail::part_names{}.visible(checkpoint, instance);
}

expected<output_folder_state> claim_output_folder(const std::string& path,
                                                  const std::shared_ptr<file_system>& on) {
  output_folder_state state;
  state.path = path;
  if (auto made = make_folder(state, on); !made)
    return std::move(made).why();
  auto [folder, code] = open_file(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (code == ENOTDIR)
    return error{error_kind::io, path, "is a file; name a folder for the part files"};
  if (!folder)
    return io_error(path, "cannot be opened", code);
  if (on->lock(folder.get()) == EWOULDBLOCK)
    return error{error_kind::io, path,
                 "is being written to by another run; wait for its end, or choose another folder"};
  // Another run may have taken away what it had created, between our opening it and this.
  if (!leads_to(path, folder))
    return error{error_kind::io, path,
                 "was taken away by another run that has ended just now; start again"};
  state.lock = output_folder_lock{std::move(folder), state.created ? path : std::string{}};
  if (auto synced = sync_parent(path, on); !synced)
    return std::move(synced).why();
  if (const int refused = on->may_change(state.lock.folder()); refused != 0)
    return io_error(path, "cannot be written to", refused);
  return state;
}

expected<void> check_output_folder(const output_folder_state& claimed,
                                   const std::vector<file_in_use>& in_use) {
  const auto found = list_parts(claimed);
  return found ? check_parts(claimed, *found, in_use) : expected<void>{found.why()};
}

expected<void> clear_output_folder(output_folder_state& claimed, bool remove_old_output,
                                   const std::vector<file_in_use>& in_use) {
  const auto found = list_parts(claimed);
  if (!found)
    return found.why();
  if (auto ok = check_parts(claimed, *found, in_use); !ok)
    return ok;
  if (!found->complete.empty() && !remove_old_output)
    return error{error_kind::io, claimed.path,
                 "holds " + detail::counted(found->complete.size(), "part file")
                   + " of another run, the first of them " + found->complete.front()
                   + "; choose another folder, or let them be removed (remove_old_output)"};
  if (!found->of_others.empty() && !remove_old_output)
    return error{error_kind::io, claimed.path,
                 "holds " + detail::counted(found->of_others.size(), "hidden part")
                   + " of a run with checkpoints, the first of them " + found->of_others.front()
                   + ", which that run shows when it goes on; let it go on first, choose another folder, or let "
                     "them be removed (remove_old_output)"};
  claimed.lock.keep_folder();
  // First of all: a run with checkpoints whose output this was must not go on here once any of it is gone.
  const auto owner = detail::owner_name({});
  if (const int code = claimed.lock.on().remove_file(claimed.lock.folder(), owner.c_str());
      code != 0 && code != ENOENT)
    return io_error(detail::path_in(claimed.path, owner), "cannot be removed", code);
  if (auto ok = sync_folder(claimed); !ok)
    return ok;
  if (auto ok = remove_parts(claimed, found->complete, claimed.removed_parts); !ok)
    return ok;
  if (auto ok = remove_parts(claimed, found->hidden, claimed.removed_hidden); !ok)
    return ok;
  if (auto ok = remove_parts(claimed, found->of_others, claimed.removed_of_others); !ok)
    return ok;
  return sync_folder(claimed);
}

expected<output_folder_state> prepare_output_folder(const std::string& path,
                                                    bool remove_old_output,
                                                    const std::shared_ptr<file_system>& on) {
  auto state = claim_output_folder(path, on);
  if (state)
    if (auto ok = clear_output_folder(*state, remove_old_output); !ok)
      return std::move(ok).why();
  return state;
}

bool is_part_file_name(std::string_view name) {
  const auto hidden = detail::as_hidden(name);
  return detail::part_names{}.checkpoint_of(hidden ? hidden->visible : name).has_value();
}

} // namespace weir
