// SPDX-License-Identifier: Apache-2.0

#include "weir/file_system.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {

namespace {

constexpr mode_t new_file_mode = 0666;
constexpr mode_t new_folder_mode = 0777;

/// Calls again where a signal interrupts.
template <class F>
auto uninterrupted(F call) noexcept {
  auto result = call();
  while (result < 0 && errno == EINTR)
    result = call();
  return result;
}

int code_of(long result) noexcept {
  return result < 0 ? errno : 0;
}

file_facts facts_of(const struct stat& about) noexcept {
  file_facts facts;
  if (S_ISREG(about.st_mode))
    facts.kind = file_kind::regular;
  else if (S_ISDIR(about.st_mode))
    facts.kind = file_kind::folder;
  else if (S_ISCHR(about.st_mode))
    facts.kind = file_kind::device;
  facts.size = static_cast<std::uint64_t>(about.st_size);
  facts.device = about.st_dev;
  facts.inode = about.st_ino;
  return facts;
}

class kernel_files final : public file_system {
public:
  fd_or_error open(int folder, const char* name, int flags) override {
    const int fd = uninterrupted(
      [&] { return ::openat(folder, name, flags | O_CLOEXEC | O_NOCTTY, new_file_mode); });
    return {fd, code_of(fd)};
  }

  size_or_error read(int fd, std::span<std::byte> into) override {
    return moved(uninterrupted([&] { return ::read(fd, into.data(), into.size()); }));
  }

  size_or_error write(int fd, std::span<const std::byte> bytes) override {
    return moved(uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); }));
  }

  int truncate(int fd, std::uint64_t size) override {
    return code_of(uninterrupted([&] { return ::ftruncate(fd, static_cast<off_t>(size)); }));
  }

  int sync(int fd) override {
    const int code = code_of(uninterrupted([&] { return ::fsync(fd); }));
    // Not EROFS: a file system that was made read-only because it is broken says that.
    return code == EINVAL || code == ENOTSUP ? 0 : code;
  }

  int close(int fd) override {
    // After EINTR the descriptor is closed as well, on Linux.
    const int code = code_of(::close(fd));
    return code == EINTR ? 0 : code;
  }

  int lock(int fd) override {
    return code_of(uninterrupted([&] { return ::flock(fd, LOCK_EX | LOCK_NB); }));
  }

  int about(int fd, file_facts& facts) override {
    struct stat found;
    if (::fstat(fd, &found) != 0)
      return errno;
    facts = facts_of(found);
    return 0;
  }

  int about(int folder, const char* name, bool follow, file_facts& facts) override {
    struct stat found;
    if (::fstatat(folder, name, &found, follow ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
      return errno;
    facts = facts_of(found);
    return 0;
  }

  int rename(int from_folder, const char* from, int to_folder, const char* to,
             bool replace) override {
    if (replace)
      return code_of(::renameat(from_folder, from, to_folder, to));
    if (::renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0)
      return 0;
    // Not every file system can refuse to replace.
    if (errno != EINVAL && errno != ENOSYS)
      return errno;
    struct stat found;
    if (::fstatat(to_folder, to, &found, AT_SYMLINK_NOFOLLOW) == 0)
      return EEXIST;
    if (errno != ENOENT)
      return errno;
    return code_of(::renameat(from_folder, from, to_folder, to));
  }

  int remove_file(int folder, const char* name) override {
    return code_of(::unlinkat(folder, name, 0));
  }

  int remove_folder(int folder, const char* name) override {
    return code_of(::unlinkat(folder, name, AT_REMOVEDIR));
  }

  int make_folder(int folder, const char* name) override {
    return code_of(::mkdirat(folder, name, new_folder_mode));
  }

  int list(int folder, std::vector<std::string>& names) override {
    // fdopendir takes its descriptor and the position in it for itself.
    const auto own = open(folder, ".", O_RDONLY | O_DIRECTORY);
    if (own.fd < 0)
      return own.code;
    const std::unique_ptr<DIR, int (*)(DIR*)> entries{::fdopendir(own.fd), ::closedir};
    if (!entries) {
      const int code = errno;
      ::close(own.fd);
      return code;
    }
    while (true) {
      errno = 0;
      const auto* entry = ::readdir(entries.get());
      if (entry == nullptr)
        return errno;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..")
        names.emplace_back(name);
    }
  }

  int may_change(int folder) override {
    return code_of(::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS));
  }

  int resolve(const char* path, std::string& whole) override {
    const std::unique_ptr<char, void (*)(void*)> found{::realpath(path, nullptr), std::free};
    if (!found)
      return errno;
    whole = found.get();
    return 0;
  }

private:
  static size_or_error moved(ssize_t size) noexcept {
    return size < 0 ? size_or_error{0, errno} : size_or_error{static_cast<std::size_t>(size), 0};
  }
};

} // namespace

const std::shared_ptr<file_system>& posix_files() {
  static const std::shared_ptr<file_system> files = std::make_shared<kernel_files>();
  return files;
}

} // namespace weir
