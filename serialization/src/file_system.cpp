// SPDX-License-Identifier: Apache-2.0

#include "weir/file_system.hpp"

#include <cerrno>
#include <fcntl.h>
#include <system_error>

namespace weir {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

std::string_view advice(int code) {
  switch (code) {
    case ENOSPC:
      return "free some space, or choose another place";
    case EDQUOT:
      return "remove files of yours there, or choose another place";
    case EACCES:
    case EPERM:
      return "give this user the right to it, or choose another place";
    case EROFS:
      return "choose a place that can be written to";
    case ENOENT:
      return "check the path, or create what is missing";
    case ENOTDIR:
      return "a part of the path is a file; check the path";
    case EISDIR:
      return "it is a folder; name a file";
    case EIO:
      return "the device fails; check it, or choose another place";
    case EFBIG:
      return "the file may not grow further (ulimit -f, or a limit of the file system)";
    case EMFILE:
    case ENFILE:
      return "allow more open files (ulimit -n)";
    default:
      return "check the path and what it lies on";
  }
}

} // namespace

error io_error(std::string thing, std::string_view what, int code) {
  std::string message{what};
  message += ": " + std::generic_category().message(code) + "; ";
  message += advice(code);
  return {error_kind::io, std::move(thing), std::move(message)};
}

opened_file open_file(const std::shared_ptr<file_system>& on, int folder, const std::string& name,
                      int flags) {
  const auto opened = on->open(folder, name.c_str(), flags);
  if (opened.fd < 0)
    return {{}, opened.code};
  return {owned_fd{on, opened.fd}, 0};
}

expected<owned_fd> open_lock_file(const std::shared_ptr<file_system>& on, int folder,
                                  const std::string& name, const std::string& path) {
  // Not waiting: what is there may be anything.
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK;
  auto [file, code] = open_file(on, folder, name, flags);
  file_facts facts;
  // Where links in front of the name go in a circle it cannot be looked at either.
  if (code == ELOOP && on->about(folder, name.c_str(), /*follow=*/false, facts) == 0)
    return error{error_kind::io, path,
                 "is a symbolic link, which is not followed to what may be another's; remove it"};
  if (file)
    code = on->about(file.get(), facts);
  if (code == EISDIR || code == ENXIO || (code == 0 && facts.kind != file_kind::regular))
    return error{error_kind::io, path, "is no file; remove it"};
  if (code != 0)
    return io_error(path, "cannot be opened", code);
  return std::move(file);
}

folder_path::folder_path(const std::shared_ptr<file_system>& on, std::string path)
  : path_(std::move(path)) {
  if (!path_.starts_with('/'))
    base_ = open_file(on, AT_FDCWD, ".", O_RDONLY | O_DIRECTORY).fd;
}

expected<void> folder_path::check(const owned_fd& folder) const {
  file_facts opened;
  file_facts by_path;
  auto& on = folder.on();
  int code = on.about(folder.get(), opened);
  if (code == 0)
    code = on.about(base_ ? base_.get() : AT_FDCWD, path_.c_str(), /*follow=*/true, by_path);
  if (code != 0 && code != ENOENT && code != ENOTDIR)
    return io_error(path_, "cannot be looked at", code);
  if (code != 0 || !is_same_file(opened, by_path))
    return error{error_kind::io, path_,
                 "has been moved or replaced while the job was running, so a further start would "
                 "not find what is written to it; put it back"};
  return {};
}

std::string parent_of(std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  const auto slash = path.rfind('/');
  if (slash == path.npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

int write_all(file_system& on, int fd, std::string_view bytes, std::size_t& written) {
  while (!bytes.empty()) {
    const auto [size, code] = on.write(fd, std::as_bytes(std::span{bytes}));
    if (code != 0)
      return code;
    if (size == 0)
      return EIO;
    bytes.remove_prefix(size);
    written += size;
  }
  return 0;
}

int read_all(file_system& on, int fd, std::size_t size_max, std::string& into) {
  for (std::size_t total = 0;;) {
    const auto begin = into.size();
    into.resize(begin + read_bytes);
    const auto [size, code] = on.read(fd, std::as_writable_bytes(std::span{into}.subspan(begin)));
    into.resize(begin + size);
    if (code != 0 || size == 0)
      return code;
    total += size;
    if (total > size_max)
      return EFBIG;
  }
}

} // namespace weir
