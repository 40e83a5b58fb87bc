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
    if (is_part_name(name))
      found.complete.emplace_back(name);
    else if (name.starts_with('.') && is_part_name(name.substr(1)))
      found.hidden.emplace_back(name);
  }
  if (errno != 0)
    return io_error(path, "cannot be listed", errno);
  std::sort(found.complete.begin(), found.complete.end());
  std::sort(found.hidden.begin(), found.hidden.end());
  return found;
}

expected<void> remove_parts(int folder, const std::string& path,
                            const std::vector<std::string>& names,
                            std::vector<std::string>& removed) {
  for (const auto& name : names) {
    const auto whole = path + (path.ends_with('/') ? "" : "/") + name;
    struct stat about;
    if (::fstatat(folder, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) == 0
        && !S_ISREG(about.st_mode))
      return error{error_kind::io, whole, "bears the name of a part but is no file; move it away"};
    if (::unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT)
      return io_error(whole, "cannot be removed", errno);
    removed.push_back(whole);
  }
  return {};
}

} // namespace

void output_folder_lock::release() noexcept {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

std::string part_file_name(std::uint64_t checkpoint, std::uint32_t instance) {
  char name[64];
  std::snprintf(name, sizeof(name), "part-%010llu-%04u.ndjson",
                static_cast<unsigned long long>(checkpoint), static_cast<unsigned>(instance));
  return name;
}

expected<output_folder_state> prepare_output_folder(const std::string& path, bool force) {
  output_folder_state state;
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

  auto folder = detail::open_file(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!folder && errno == ENOTDIR)
    return error{error_kind::io, path, "is a file; name a folder for the part files"};
  if (!folder)
    return io_error(path, "cannot be opened", errno);
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
    return error{error_kind::io, path,
                 "is being written to by another run; wait for its end, or choose another folder"};
  if (::faccessat(folder.get(), ".", W_OK | X_OK, AT_EACCESS) != 0)
    return io_error(path, "cannot be written to", errno);

  auto found = list_parts(folder.get(), path);
  if (!found)
    return std::move(found).why();
  if (!found->complete.empty() && !force)
    return error{error_kind::io, path,
                 "holds " + std::to_string(found->complete.size())
                   + " part file(s) of another run, the first of them " + found->complete.front()
                   + "; choose another folder, or remove them with --force"};
  if (auto ok = remove_parts(folder.get(), path, found->complete, state.removed_parts); !ok)
    return std::move(ok).why();
  if (auto ok = remove_parts(folder.get(), path, found->hidden, state.removed_hidden); !ok)
    return std::move(ok).why();
  if (const int code = detail::sync_to_disk(folder.get()); code != 0)
    return io_error(path, "cannot be written to", code);
  state.lock = output_folder_lock{folder.release()};
  return state;
}

} // namespace weir
