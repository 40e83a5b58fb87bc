// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Files in memory that can do what real ones do once in years: fail at any call, write half of
/// what they are given, and forget at a loss of power what was not synced. So a test can try each
/// of these at every call of what it tests. It is as unkind as POSIX allows, not as any one file
/// system is: what a file holds, and that it has a name, survive only by a sync of the file, and of
/// each folder that took part.
///
/// Paths begin at the root, with or without "/"; there are no links and no "..". Thread-safe.

#include "weir/file_system.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace weir::testing {

class memory_files final : public file_system {
public:
  memory_files();
  ~memory_files() override;

  // -- faults, one at a time; call 1 is the next one of any kind --

  /// It does nothing and gives `code`. A sync that fails has lost what was to be synced: as on
  /// Linux, what is read back is as before, the next sync succeeds, and the disk never gets it.
  void fail_call(std::uint64_t n, int code);

  /// If it is a write it writes the first half of its bytes. `then`: what all later writes give, 0
  /// = nothing.
  void halve_write(std::uint64_t n, int then = 0);

  /// The process or the machine stops in front of it: it and all later ones do nothing and give EIO
  /// until `end_process` or `lose_power`.
  void stop_at_call(std::uint64_t n);

  /// Another process does `what` in front of it.
  void before_call(std::uint64_t n, std::function<void()> what);

  /// No fault any more.
  void heal();

  /// Whether the fault's call has come.
  bool was_met() const;

  /// Syncs of files and folders for whose path this is true say that they have succeeded, and do
  /// nothing.
  void leave_out_syncs(std::function<bool(const std::string& path)> which);

  // -- ends --

  /// The process dies: what was written stays, descriptors and locks go. The fault is healed.
  void end_process();

  /// The machine dies as well. Of what was not synced a seed decides: 0 = nothing stays, 1 = all,
  /// else chance, in pieces of 512 bytes and by single names.
  void lose_power(std::uint64_t seed);

  // -- what a test puts there and looks at; no call, no fault --

  /// Durable, with the folders that it lies in.
  void put_folder(std::string_view path);
  void put(std::string_view path, std::string_view text);

  std::set<std::string> names(std::string_view folder = "/") const;
  bool has(std::string_view path) const;
  /// Throws std::out_of_range where it is not there.
  std::string text(std::string_view path) const;

  /// Calls so far.
  std::uint64_t calls() const;
  /// One line a call, as `rename a/b a/c`, with what it gave where that was an error.
  std::string transcript() const;
  void forget_transcript();
  /// Descriptors that are open.
  std::size_t open_files() const;

  // -- file_system --

  fd_or_error open(int folder, const char* name, int flags) override;
  size_or_error read(int fd, std::span<std::byte> into) override;
  size_or_error write(int fd, std::span<const std::byte> bytes) override;
  int truncate(int fd, std::uint64_t size) override;
  int sync(int fd) override;
  int close(int fd) override;
  int lock(int fd) override;
  int about(int fd, file_facts& facts) override;
  int about(int folder, const char* name, bool follow, file_facts& facts) override;
  int rename(int from_folder, const char* from, int to_folder, const char* to,
             bool replace) override;
  int remove_file(int folder, const char* name) override;
  int remove_folder(int folder, const char* name) override;
  int make_folder(int folder, const char* name) override;
  int list(int folder, std::vector<std::string>& names) override;
  int may_change(int folder) override;
  int resolve(const char* path, std::string& whole) override;

private:
  struct node;
  struct change;
  struct opened;
  struct place;
  struct name_change;
  using node_pointer = std::shared_ptr<node>;
  enum class fault { none, error, half, stop };

  int begin_call();
  int end_call(std::string line, int code);
  opened* find(int fd);
  node_pointer walk(int folder, std::string_view path, int& code);
  place find_place(int folder, std::string_view path, int& code);
  node_pointer at(std::string_view path) const;
  static void set_path(node& of, std::string path);
  static std::string name_of(const opened* of);
  void note(name_change what);
  void settle();
  void close_all();
  bool chance();
  void lose_content(node& of);
  int make_room_for(const node_pointer& moved, const place& to, bool replace);
  int remove(int folder, const char* name, bool is_folder);
  file_facts facts_of(const node& of) const;

  // Recursive for what is done in front of a call.
  mutable std::recursive_mutex mutex_;
  node_pointer root_;
  std::vector<std::weak_ptr<node>> nodes_;
  std::vector<name_change> unsettled_;
  std::map<int, opened> open_;
  int next_fd_;
  std::uint64_t next_inode_ = 1;
  std::uint64_t calls_ = 0;
  fault fault_ = fault::none;
  std::uint64_t fault_at_ = 0;
  int fault_code_ = 0;
  bool met_ = false;
  std::uint64_t before_at_ = 0;
  std::function<void()> before_;
  std::uint64_t seed_ = 0;
  std::function<bool(const std::string&)> left_out_;
  std::string transcript_;
};

} // namespace weir::testing
