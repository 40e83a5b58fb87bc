// SPDX-License-Identifier: Apache-2.0

#include "part_search.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <optional>
#include <utility>

namespace weir::detail {

namespace {

void add_hidden(parts_found& to, const std::string& name, const hidden_part_name& parts,
                std::string_view mark) {
  if (parts.mark == mark)
    to.hidden.emplace(parts.visible);
  else
    (parts.mark.empty() ? to.left : to.of_others).push_back(name);
}

void sort(parts_found& all) {
  for (auto* const each : {&all.newer, &all.left, &all.of_others})
    std::sort(each->begin(), each->end());
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
      add_hidden(found, name, *parts, mark);
    }
  }
  sort(found);
  return found;
}

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
      add_hidden(found, name, *parts, mark);
  }
  found.newer.assign(found.visible.begin(), found.visible.end());
  sort(found);
  return found;
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
