// SPDX-License-Identifier: Apache-2.0

#include "weir/output_folder.hpp"

#include "posix_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {

namespace {

using detail::io_error;

/// `part-<10 digits>-<4 digits>.ndjson`.
bool is_part_name(std::string_view name) {
  constexpr std::string_view shape = "part-dddddddddd-dddd.ndjson";
  return std::equal(name.begin(), name.end(), shape.begin(), shape.end(), [](char c, char s) {
    return s == 'd' && !(c >= 'a' && c <= 'z') ? c >= '0' && c <= '9' : c == s;
  });
}

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == path.npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

struct found_parts {
  std::vector<std::string> complete;
  std::vector<std::string> hidden;
};

expected<found_parts> list_parts(int folder, const std::string& path) {
  // fdopendir takes its descriptor and the position in it for itself.
  auto own = detail::open_file(folder, ".", O_RDONLY | O_DIRECTORY);
  const std::unique_ptr<DIR, int (*)(DIR*)> listing{own ? ::fdopendir(own.get()) : nullptr,
                                                    ::closedir};
  if (!listing)
    return io_error(path, "cannot be listed", errno);
  own.release();
  found_parts found;
  while (true) {
    errno = 0;
    const auto* entry = ::readdir(listing.get());
    if (entry == nullptr)
      break;
    const std::string_view name = entry->d_name;
    if (is_part_file_name(name))
      (name.starts_with('.') ? found.hidden : found.complete).emplace_back(name);
  }
  if (errno != 0)
    return io_error(path, "cannot be listed", errno);
  std::sort(found.complete.begin(), found.complete.end());
  std::sort(found.hidden.begin(), found.hidden.end());
  return found;
}

std::string path_in(const std::string& folder, const std::string& name) {
  return folder + (folder.ends_with('/') ? "" : "/") + name;
}

/// Refuses a part that must not be removed.
expected<void> check_part(const output_folder_state& claimed, const std::string& name,
                          const std::vector<file_in_use>& in_use) {
  struct stat part;
  if (::fstatat(claimed.lock.folder(), name.c_str(), &part, AT_SYMLINK_NOFOLLOW) != 0)
    return errno == ENOENT ? expected<void>{}
                           : io_error(path_in(claimed.path, name), "cannot be looked at", errno);
  if (!S_ISREG(part.st_mode))
    return error{error_kind::io, path_in(claimed.path, name),
                 "bears the name of a part but is no file; move it away"};
  for (const auto& [path, role] : in_use) {
    struct stat used;
    if (::stat(path.c_str(), &used) == 0 && used.st_dev == part.st_dev
        && used.st_ino == part.st_ino)
      return error{error_kind::io, path_in(claimed.path, name),
                   "bears the name of a part but is " + role
                     + "; move it away, or choose another folder for the parts"};
  }
  return {};
}

expected<void> check_parts(const output_folder_state& claimed, const found_parts& found,
                           const std::vector<file_in_use>& in_use) {
  for (const auto* names : {&found.complete, &found.hidden})
    for (const auto& name : *names)
      if (auto ok = check_part(claimed, name, in_use); !ok)
        return ok;
  return {};
}

expected<void> remove_parts(const output_folder_state& claimed,
                            const std::vector<std::string>& names,
                            std::vector<std::string>& removed) {
  for (const auto& name : names) {
    const auto whole = path_in(claimed.path, name);
    if (::unlinkat(claimed.lock.folder(), name.c_str(), 0) != 0 && errno != ENOENT)
      return io_error(whole, "cannot be removed", errno);
    removed.push_back(whole);
  }
  return {};
}

/// Creates the folder where it is missing.
expected<void> make_folder(output_folder_state& state) {
  const auto& path = state.path;
  if (::mkdir(path.c_str(), 0777) == 0) {
    state.created = true;
    // Else a crash of the machine might take the folder with all that is in it.
    if (const auto parent = detail::open_file(AT_FDCWD, parent_of(path), O_RDONLY | O_DIRECTORY))
      detail::sync_to_disk(parent.get());
  } else if (errno == ENOENT) {
    return io_error(path, "cannot be created, since its parent folder is missing", errno);
  } else if (errno != EEXIST) {
    return io_error(path, "cannot be created", errno);
  }
  return {};
}

} // namespace

void output_folder_lock::release() noexcept {
  if (fd_ < 0)
    return;
  // Fails where something was put into it meanwhile, which is meant.
  if (!made_.empty())
    ::rmdir(made_.c_str());
  ::close(std::exchange(fd_, -1));
}

std::string part_file_name(std::uint64_t checkpoint, std::uint32_t instance) {
  char name[64];
  std::snprintf(name, sizeof(name), "part-%010llu-%04u.ndjson",
                static_cast<unsigned long long>(checkpoint), static_cast<unsigned>(instance));
  return name;
}

expected<output_folder_state> claim_output_folder(const std::string& path) {
  output_folder_state state;
  state.path = path;
  if (auto made = make_folder(state); !made)
    return std::move(made).why();
  auto folder = detail::open_file(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!folder && errno == ENOTDIR)
    return error{error_kind::io, path, "is a file; name a folder for the part files"};
  if (!folder)
    return io_error(path, "cannot be opened", errno);
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return error{error_kind::io, path,
                 "is being written to by another run; wait for its end, or choose another folder"};
  state.lock = output_folder_lock{folder.release(), state.created ? path : std::string{}};
  if (::faccessat(state.lock.folder(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return io_error(path, "cannot be written to", errno);
  return state;
}

expected<void> clear_output_folder(output_folder_state& claimed, bool force,
                                   const std::vector<file_in_use>& in_use) {
  const auto found = list_parts(claimed.lock.folder(), claimed.path);
  if (!found)
    return found.why();
  if (auto ok = check_parts(claimed, *found, in_use); !ok)
    return ok;
  if (!found->complete.empty() && !force)
    return error{error_kind::io, claimed.path,
                 "holds " + std::to_string(found->complete.size())
                   + " part file(s) of another run, the first of them " + found->complete.front()
                   + "; choose another folder, or remove them with --force"};
  claimed.lock.keep_folder();
  if (auto ok = remove_parts(claimed, found->complete, claimed.removed_parts); !ok)
    return ok;
  if (auto ok = remove_parts(claimed, found->hidden, claimed.removed_hidden); !ok)
    return ok;
  if (const int code = detail::sync_to_disk(claimed.lock.folder()); code != 0)
    return io_error(claimed.path, "cannot be written to", code);
  return {};
}

expected<output_folder_state> prepare_output_folder(const std::string& path, bool force) {
  auto state = claim_output_folder(path);
  if (state)
    if (auto ok = clear_output_folder(*state, force); !ok)
      return std::move(ok).why();
  return state;
}

bool is_part_file_name(std::string_view name) {
  return is_part_name(name.substr(name.starts_with('.') ? 1 : 0));
}

} // namespace weir
