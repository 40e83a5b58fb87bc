// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The calls on files and folders that must survive a crash, behind one interface, so that a test
/// can let each of them fail, and can take away what a loss of power takes away. `posix_files()` is
/// the real one, and what everything uses that is not told otherwise.
///
/// The calls are those of POSIX, on descriptors; errors are errno's values in what is returned,
/// never the global one. They block. Thread-safe as the kernel is: any thread, but who closes a
/// descriptor sees to it that nobody uses it any more. tests/support/memory_files.hpp is the other
/// implementation.

#include "weir/error.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

enum class file_kind : std::uint8_t {
  regular,
  folder,
  /// A character device, as /dev/null.
  device,
  /// A pipe, a socket, a symbolic link that was not followed.
  other,
};

/// What a file is. Two names with equal `device` and `inode` lead to one file.
struct file_facts {
  file_kind kind = file_kind::other;
  std::uint64_t size = 0;
  std::uint64_t device = 0;
  std::uint64_t inode = 0;

  friend bool is_same_file(const file_facts& a, const file_facts& b) noexcept {
    return a.device == b.device && a.inode == b.inode;
  }
};

/// A descriptor, or errno.
struct fd_or_error {
  int fd = -1;
  int code = 0;
};

/// Bytes that were moved, or errno.
struct size_or_error {
  std::size_t size = 0;
  int code = 0;
};

/// What `folder` stands for where a call takes one: an open folder, or AT_FDCWD. Functions that
/// give an `int` give errno, 0 is success. A signal that interrupts is not an error: the call goes
/// on.
class file_system {
public:
  virtual ~file_system() = default;

  // -- files --

  /// `flags` as those of open(2); the descriptor is closed in a new program. New files: mode 0666
  /// less the umask.
  virtual fd_or_error open(int folder, const char* name, int flags) = 0;
  /// Reads what is there, 0 at the end.
  virtual size_or_error read(int fd, std::span<std::byte> into) = 0;
  /// May write less than all.
  virtual size_or_error write(int fd, std::span<const std::byte> bytes) = 0;
  virtual int truncate(int fd, std::uint64_t size) = 0;
  /// Waits until a file's bytes, or a folder's entries, are on the disk. Where there is no disk to
  /// wait for (a device, a file system that cannot do it for folders) it is no error. After an
  /// error nobody can say what is on the disk, and a second call that succeeds does not change
  /// that.
  virtual int sync(int fd) = 0;
  /// The descriptor is closed whatever is returned.
  virtual int close(int fd) = 0;
  /// The whole file's exclusive lock, which goes with the descriptor. EWOULDBLOCK where another has
  /// it; where the file system knows no locks, whatever it says.
  virtual int lock(int fd) = 0;
  virtual int about(int fd, file_facts& facts) = 0;

  // -- names --

  /// `follow`: of a symbolic link, what it leads to.
  virtual int about(int folder, const char* name, bool follow, file_facts& facts) = 0;
  /// At once, on one file system. Without `replace`: EEXIST where `to` is there.
  virtual int rename(int from_folder, const char* from, int to_folder, const char* to, bool replace)
    = 0;
  virtual int remove_file(int folder, const char* name) = 0;
  /// Only an empty one.
  virtual int remove_folder(int folder, const char* name) = 0;
  /// The parent must be there. Mode 0777 less the umask.
  virtual int make_folder(int folder, const char* name) = 0;
  /// Names in an open folder, in no order, without "." and "..".
  virtual int list(int folder, std::vector<std::string>& names) = 0;
  /// Whether this process may create and remove names in an open folder; errno if not.
  virtual int may_change(int folder) = 0;
  /// The path without symbolic links.
  virtual int resolve(const char* path, std::string& whole) = 0;
};

/// The kernel's files. Always the same object.
const std::shared_ptr<file_system>& posix_files();

/// An error of the kind `io`: "`thing`: `what`: <the system's words>; <what to do>". `code`: errno.
error io_error(std::string thing, std::string_view what, int code);

/// Owns a descriptor of a file system, which it keeps alive.
class owned_fd {
public:
  owned_fd() = default;
  owned_fd(std::shared_ptr<file_system> on, int fd) noexcept : on_(std::move(on)), fd_(fd) {}
  ~owned_fd() { close(); }
  owned_fd(owned_fd&& other) noexcept
    : on_(std::move(other.on_)),
      fd_(std::exchange(other.fd_, -1)) {}
  owned_fd& operator=(owned_fd&& other) noexcept {
    if (this != &other) {
      close();
      on_ = std::move(other.on_);
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

  /// Only where there is a descriptor.
  file_system& on() const noexcept { return *on_; }

  /// The errno of closing; 0 is success. A file system may report a failed write only here.
  int close() noexcept { return fd_ < 0 ? 0 : on_->close(std::exchange(fd_, -1)); }

private:
  std::shared_ptr<file_system> on_;
  int fd_ = -1;
};

/// A descriptor of one's own, or errno.
struct opened_file {
  owned_fd fd;
  int code = 0;
};

opened_file open_file(const std::shared_ptr<file_system>& on, int folder, const std::string& name,
                      int flags);

/// The file of this name that is there to be locked, made where it is missing, to be read and written.
/// What lies behind a symbolic link is another's, so it is not followed; one that is there, or anything
/// else that is no file, is an error of the kind `io` that says what to do. `path`: of it, for errors.
expected<owned_fd> open_lock_file(const std::shared_ptr<file_system>& on, int folder,
                                  const std::string& name, const std::string& path);

/// The path of a folder that is written to through its descriptor. When the folder is moved or
/// replaced, what is written goes where nobody looks for it; so who writes asks now and then. A
/// relative path begins where the process was when this was made. Any thread.
class folder_path {
public:
  folder_path() = default;
  folder_path(const std::shared_ptr<file_system>& on, std::string path);

  /// Whether the path leads to the open folder: else an error of the kind `io` that names it.
  expected<void> check(const owned_fd& folder) const;

private:
  owned_fd base_;
  std::string path_;
};

/// The path of the folder that has in it what a path names: `a` of `a/b` and of `a/b/`, `.` of `b`.
std::string parent_of(std::string path);

/// Writes all of `bytes`; returns errno. `written` grows by what was written.
int write_all(file_system& on, int fd, std::string_view bytes, std::size_t& written);

/// Reads a whole file from where its descriptor stands, at most `size_max` bytes (EFBIG where there
/// are more), behind what `into` holds; returns errno.
int read_all(file_system& on, int fd, std::size_t size_max, std::string& into);

} // namespace weir
