// SPDX-License-Identifier: Apache-2.0

#include "memory_files.hpp"

#include "weir/splitmix64.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <utility>

namespace weir::testing {

namespace {

constexpr std::uint64_t sector_bytes = 512;
// Far from those of the kernel, so that one that goes to the kernel by mistake is noticed.
constexpr int first_fd = 1'000'000;

/// The root's own path is empty.
std::string joined(const std::string& folder, std::string_view name) {
  return folder.empty() || name.empty() ? folder + std::string{name}
                                        : folder + "/" + std::string{name};
}

std::string shown(const std::string& path) {
  return path.empty() ? "/" : path;
}

} // namespace

/// What was done to a file's bytes and is not on the disk.
struct memory_files::change {
  bool is_truncation = false;
  std::uint64_t offset = 0; // of a truncation: the new size
  std::string bytes;

  void apply(std::string& to) const {
    if (is_truncation) {
      to.resize(offset);
      return;
    }
    if (to.size() < offset + bytes.size())
      to.resize(offset + bytes.size());
    to.replace(offset, bytes.size(), bytes);
  }
};

struct memory_files::node {
  bool is_folder = false;
  std::uint64_t inode = 0;
  /// Where it was last.
  std::string path;
  std::string seen;
  std::string synced;
  std::vector<change> unsynced;
  std::map<std::string, node_pointer, std::less<>> entries;
  std::map<std::string, node_pointer, std::less<>> settled_entries;
  int locked_by = -1;
};

struct memory_files::opened {
  node_pointer what;
  int flags = 0;
  std::uint64_t position = 0;
};

/// A name in a folder, whether there is something of that name or not.
struct memory_files::place {
  node_pointer folder;
  std::string name;

  node_pointer what() const {
    const auto found = folder->entries.find(name);
    return found == folder->entries.end() ? nullptr : found->second;
  }
};

/// What was done to names: `what` lost the name `from`, or got the name `to`, or both at once.
struct memory_files::name_change {
  node_pointer what;
  place from;
  place to;
  /// The folders without whose sync it may be lost.
  std::set<node*> waits_for;
  /// A sync failed: nobody can say any more.
  bool is_unsure = false;

  void apply(bool settled) const {
    const auto entries_of = [&](const node_pointer& folder) -> auto& {
      return settled ? folder->settled_entries : folder->entries;
    };
    if (from.folder)
      entries_of(from.folder).erase(from.name);
    if (to.folder)
      entries_of(to.folder)[to.name] = what;
  }
};

memory_files::memory_files() : root_(std::make_shared<node>()), next_fd_(first_fd) {
  root_->is_folder = true;
  nodes_.push_back(root_);
}

memory_files::~memory_files() = default;

// -- faults --

void memory_files::fail_call(std::uint64_t n, int code) {
  const std::lock_guard guard{mutex_};
  fault_ = fault::error;
  fault_at_ = calls_ + n;
  fault_code_ = code;
  met_ = false;
}

void memory_files::halve_write(std::uint64_t n, int then) {
  fail_call(n, then);
  fault_ = fault::half;
}

void memory_files::stop_at_call(std::uint64_t n) {
  fail_call(n, EIO);
  fault_ = fault::stop;
}

void memory_files::before_call(std::uint64_t n, std::function<void()> what) {
  const std::lock_guard guard{mutex_};
  before_at_ = calls_ + n;
  before_ = std::move(what);
}

void memory_files::heal() {
  const std::lock_guard guard{mutex_};
  fault_ = fault::none;
  met_ = false;
}

bool memory_files::was_met() const {
  const std::lock_guard guard{mutex_};
  return met_;
}

void memory_files::leave_out_syncs(std::function<bool(const std::string& path)> which) {
  const std::lock_guard guard{mutex_};
  left_out_ = std::move(which);
}

/// Gives what the call has to give at once, or 0.
int memory_files::begin_call() {
  ++calls_;
  if (before_ && calls_ == before_at_)
    std::exchange(before_, nullptr)();
  if (fault_ == fault::none || calls_ < fault_at_)
    return 0;
  met_ = true;
  if (fault_ == fault::stop || (fault_ == fault::error && calls_ == fault_at_))
    return fault_code_;
  return 0;
}

int memory_files::end_call(std::string line, int code) {
  if (code != 0)
    line += ": " + std::string{::strerrorname_np(code)};
  transcript_ += line + "\n";
  return code;
}

// -- ends --

void memory_files::close_all() {
  for (const auto& each : nodes_)
    if (const auto what = each.lock())
      what->locked_by = -1;
  open_.clear();
  fault_ = fault::none;
}

void memory_files::end_process() {
  const std::lock_guard guard{mutex_};
  close_all();
}

bool memory_files::chance() {
  if (seed_ < 2)
    return seed_ == 1;
  return splitmix64(seed_ += splitmix64_step) % 2 == 0;
}

void memory_files::lose_content(node& of) {
  for (const auto& each : of.unsynced) {
    if (each.is_truncation) {
      if (chance())
        each.apply(of.synced);
      continue;
    }
    for (std::uint64_t begin = 0; begin < each.bytes.size();) {
      const auto in_sector = (each.offset + begin) % sector_bytes;
      const auto size
        = std::min<std::uint64_t>(sector_bytes - in_sector, each.bytes.size() - begin);
      if (chance())
        change{false, each.offset + begin, each.bytes.substr(begin, size)}.apply(of.synced);
      begin += size;
    }
  }
  of.unsynced.clear();
  of.seen = of.synced;
}

void memory_files::lose_power(std::uint64_t seed) {
  const std::lock_guard guard{mutex_};
  seed_ = seed;
  close_all();
  for (const auto& each : unsettled_)
    if (each.waits_for.empty() || chance())
      each.apply(/*settled=*/true);
  unsettled_.clear();
  std::erase_if(nodes_, [](const auto& each) { return each.expired(); });
  for (const auto& each : nodes_)
    if (const auto what = each.lock()) {
      what->entries = what->settled_entries;
      lose_content(*what);
    }
  set_path(*root_, {});
}

// -- what a test sees --

memory_files::node_pointer memory_files::at(std::string_view path) const {
  auto from = root_;
  while (from && !path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const auto name = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (name.empty() || name == ".")
      continue;
    const auto found = from->entries.find(name);
    from = found == from->entries.end() ? nullptr : found->second;
  }
  return from;
}

void memory_files::put_folder(std::string_view path) {
  const std::lock_guard guard{mutex_};
  auto from = root_;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const std::string name{path.substr(0, slash)};
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (name.empty())
      continue;
    auto& next = from->entries[name];
    if (!next) {
      next = std::make_shared<node>();
      next->is_folder = true;
      next->inode = next_inode_++;
      next->path = joined(from->path, name);
      nodes_.push_back(next);
      from->settled_entries[name] = next;
    }
    from = next;
  }
}

void memory_files::put(std::string_view path, std::string_view text) {
  const auto slash = path.rfind('/');
  const auto folder = slash == path.npos ? std::string_view{} : path.substr(0, slash);
  const auto name = slash == path.npos ? path : path.substr(slash + 1);
  put_folder(folder);
  const std::lock_guard guard{mutex_};
  const auto parent = at(folder);
  const auto file = std::make_shared<node>();
  file->inode = next_inode_++;
  file->path = joined(parent->path, name);
  file->seen = file->synced = text;
  nodes_.push_back(file);
  parent->entries[std::string{name}] = file;
  parent->settled_entries[std::string{name}] = file;
}

std::set<std::string> memory_files::names(std::string_view folder) const {
  const std::lock_guard guard{mutex_};
  std::set<std::string> result;
  if (const auto from = at(folder))
    for (const auto& [name, what] : from->entries)
      result.insert(name);
  return result;
}

bool memory_files::has(std::string_view path) const {
  const std::lock_guard guard{mutex_};
  return at(path) != nullptr;
}

std::string memory_files::text(std::string_view path) const {
  const std::lock_guard guard{mutex_};
  const auto file = at(path);
  if (!file || file->is_folder)
    throw std::out_of_range{"there is no file " + std::string{path}};
  return file->seen;
}

std::uint64_t memory_files::calls() const {
  const std::lock_guard guard{mutex_};
  return calls_;
}

std::string memory_files::transcript() const {
  const std::lock_guard guard{mutex_};
  return transcript_;
}

void memory_files::forget_transcript() {
  const std::lock_guard guard{mutex_};
  transcript_.clear();
}

std::size_t memory_files::open_files() const {
  const std::lock_guard guard{mutex_};
  return open_.size();
}

// -- names --

memory_files::opened* memory_files::find(int fd) {
  const auto found = open_.find(fd);
  return found == open_.end() ? nullptr : &found->second;
}

/// The folder of a path's last name, which is empty where the path is a folder's own.
memory_files::place memory_files::find_place(int folder, std::string_view path, int& code) {
  node_pointer from = root_;
  if (!path.starts_with('/') && folder != AT_FDCWD) {
    const auto* in = find(folder);
    if (in == nullptr || !in->what->is_folder) {
      code = in == nullptr ? EBADF : ENOTDIR;
      return {};
    }
    from = in->what;
  }
  std::vector<std::string> names;
  while (!path.empty()) {
    const auto slash = std::min(path.find('/'), path.size());
    const auto name = path.substr(0, slash);
    path.remove_prefix(std::min(slash + 1, path.size()));
    if (name == "..")
      throw std::logic_error{"memory_files knows no .."};
    if (!name.empty() && name != ".")
      names.emplace_back(name);
  }
  if (names.empty())
    return {from, {}};
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    const auto found = from->entries.find(names[i]);
    if (found == from->entries.end() || !found->second->is_folder) {
      code = found == from->entries.end() ? ENOENT : ENOTDIR;
      return {};
    }
    from = found->second;
  }
  return {from, names.back()};
}

memory_files::node_pointer memory_files::walk(int folder, std::string_view path, int& code) {
  const auto found = find_place(folder, path, code);
  if (code != 0)
    return nullptr;
  auto what = found.name.empty() ? found.folder : found.what();
  if (!what)
    code = ENOENT;
  return what;
}

void memory_files::set_path(node& of, std::string path) {
  of.path = std::move(path);
  for (const auto& [name, what] : of.entries)
    set_path(*what, joined(of.path, name));
}

void memory_files::note(name_change what) {
  what.apply(/*settled=*/false);
  if (what.to.folder)
    set_path(*what.what, joined(what.to.folder->path, what.to.name));
  for (const auto& each : {what.from.folder, what.to.folder})
    if (each)
      what.waits_for.insert(each.get());
  unsettled_.push_back(std::move(what));
}

/// Takes what is durable from the front, in whose way nothing stands any more.
void memory_files::settle() {
  auto end = unsettled_.begin();
  for (; end != unsettled_.end() && end->waits_for.empty(); ++end)
    end->apply(/*settled=*/true);
  unsettled_.erase(unsettled_.begin(), end);
}

file_facts memory_files::facts_of(const node& of) const {
  return {of.is_folder ? file_kind::folder : file_kind::regular, of.seen.size(), 1, of.inode};
}

std::string memory_files::name_of(const opened* of) {
  return of == nullptr ? "?" : shown(of->what->path);
}

// -- file_system --

fd_or_error memory_files::open(int folder, const char* name, int flags) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  node_pointer what;
  std::string path = name;
  if (code == 0) {
    const auto found = find_place(folder, name, code);
    if (code == 0) {
      path = joined(found.folder->path, found.name);
      what = found.name.empty() ? found.folder : found.what();
      if (what && (flags & O_CREAT) != 0 && (flags & O_EXCL) != 0)
        code = EEXIST;
      else if (what && !what->is_folder && (flags & O_DIRECTORY) != 0)
        code = ENOTDIR;
      else if (what && what->is_folder && (flags & O_ACCMODE) != O_RDONLY)
        code = EISDIR;
      else if (!what && (flags & O_CREAT) == 0)
        code = ENOENT;
      if (code == 0 && !what) {
        what = std::make_shared<node>();
        what->inode = next_inode_++;
        nodes_.push_back(what);
        note({what, {}, found, {}, false});
      }
      if (code == 0 && (flags & O_TRUNC) != 0 && !what->seen.empty()) {
        what->seen.clear();
        what->unsynced.push_back({true, 0, {}});
      }
    }
  }
  end_call("open " + shown(path), code);
  if (code != 0)
    return {-1, code};
  const int fd = next_fd_++;
  open_[fd] = {std::move(what), flags, 0};
  return {fd, 0};
}

size_or_error memory_files::read(int fd, std::span<std::byte> into) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* from = find(fd);
  if (code == 0 && (from == nullptr || (from->flags & O_ACCMODE) == O_WRONLY))
    code = EBADF;
  if (code == 0 && from->what->is_folder)
    code = EISDIR;
  std::size_t size = 0;
  if (code == 0) {
    const auto& all = from->what->seen;
    const auto begin = std::min<std::uint64_t>(from->position, all.size());
    size = std::min<std::size_t>(into.size(), all.size() - begin);
    std::memcpy(into.data(), all.data() + begin, size);
    from->position = begin + size;
  }
  end_call("read " + name_of(from), code);
  return {size, code};
}

size_or_error memory_files::write(int fd, std::span<const std::byte> bytes) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto size = bytes.size();
  if (code == 0 && fault_ == fault::half && calls_ == fault_at_)
    size = (size + 1) / 2;
  if (code == 0 && fault_ == fault::half && calls_ > fault_at_)
    code = fault_code_;
  auto* to = find(fd);
  if (code == 0 && (to == nullptr || (to->flags & O_ACCMODE) == O_RDONLY))
    code = EBADF;
  if (code == 0) {
    auto& file = *to->what;
    if ((to->flags & O_APPEND) != 0)
      to->position = file.seen.size();
    change what{false, to->position, {reinterpret_cast<const char*>(bytes.data()), size}};
    what.apply(file.seen);
    file.unsynced.push_back(std::move(what));
    to->position += size;
  }
  end_call("write " + name_of(to) + " " + std::to_string(size), code);
  return {code == 0 ? size : 0, code};
}

int memory_files::truncate(int fd, std::uint64_t size) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* to = find(fd);
  if (code == 0 && (to == nullptr || (to->flags & O_ACCMODE) == O_RDONLY))
    code = EBADF;
  if (code == 0) {
    change what{true, size, {}};
    what.apply(to->what->seen);
    to->what->unsynced.push_back(std::move(what));
  }
  return end_call("truncate " + name_of(to), code);
}

int memory_files::sync(int fd) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* of = find(fd);
  if (code == 0 && of == nullptr)
    code = EBADF;
  const bool stopped = fault_ == fault::stop && code != 0;
  if (of != nullptr && !stopped && !(code == 0 && left_out_ && left_out_(of->what->path))) {
    auto& what = *of->what;
    if (code == 0)
      for (const auto& each : what.unsynced)
        each.apply(what.synced);
    what.unsynced.clear();
    for (auto& each : unsettled_) {
      if (code != 0 && each.waits_for.contains(&what))
        each.is_unsure = true;
      if (code == 0 && !each.is_unsure)
        each.waits_for.erase(&what);
    }
    settle();
  }
  return end_call("sync " + name_of(of), code);
}

int memory_files::close(int fd) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* of = find(fd);
  if (code == 0 && of == nullptr)
    code = EBADF;
  end_call("close " + name_of(of), code);
  if (of != nullptr) {
    if (of->what->locked_by == fd)
      of->what->locked_by = -1;
    open_.erase(fd);
  }
  return code;
}

int memory_files::lock(int fd) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* of = find(fd);
  if (code == 0 && of == nullptr)
    code = EBADF;
  if (code == 0 && of->what->locked_by >= 0 && of->what->locked_by != fd)
    code = EWOULDBLOCK;
  if (code == 0)
    of->what->locked_by = fd;
  return end_call("lock " + name_of(of), code);
}

int memory_files::about(int fd, file_facts& facts) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* of = find(fd);
  if (code == 0 && of == nullptr)
    code = EBADF;
  if (code == 0)
    facts = facts_of(*of->what);
  return end_call("about " + name_of(of), code);
}

int memory_files::about(int folder, const char* name, bool, file_facts& facts) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  const auto what = code == 0 ? walk(folder, name, code) : nullptr;
  if (what)
    facts = facts_of(*what);
  return end_call("about " + (what ? what->path : std::string{name}), code);
}

/// Whether a name can be taken; what it leads to loses it.
int memory_files::make_room_for(const node_pointer& moved, const place& to, bool replace) {
  const auto there = to.what();
  if (!there || there == moved)
    return 0;
  if (!replace)
    return EEXIST;
  if (there->is_folder != moved->is_folder)
    return there->is_folder ? EISDIR : ENOTDIR;
  return there->entries.empty() ? 0 : ENOTEMPTY;
}

int memory_files::rename(int from_folder, const char* from, int to_folder, const char* to,
                         bool replace) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  std::string line = std::string{"rename "} + from + " " + to;
  place source;
  place target;
  if (code == 0)
    source = find_place(from_folder, from, code);
  if (code == 0)
    target = find_place(to_folder, to, code);
  if (code == 0) {
    line = "rename " + joined(source.folder->path, source.name) + " "
           + joined(target.folder->path, target.name);
    const auto what = source.what();
    code = what ? make_room_for(what, target, replace) : ENOENT;
    if (code == 0)
      note({what, source, target, {}, false});
  }
  return end_call(std::move(line), code);
}

int memory_files::remove(int folder, const char* name, bool is_folder) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  std::string path = name;
  place from;
  if (code == 0)
    from = find_place(folder, name, code);
  if (code == 0) {
    path = joined(from.folder->path, from.name);
    const auto what = from.what();
    if (!what)
      code = ENOENT;
    else if (what->is_folder != is_folder)
      code = is_folder ? ENOTDIR : EISDIR;
    else if (!what->entries.empty())
      code = ENOTEMPTY;
    if (code == 0)
      note({what, from, {}, {}, false});
  }
  return end_call((is_folder ? "remove_folder " : "remove_file ") + path, code);
}

int memory_files::remove_file(int folder, const char* name) {
  return remove(folder, name, false);
}

int memory_files::remove_folder(int folder, const char* name) {
  return remove(folder, name, true);
}

int memory_files::make_folder(int folder, const char* name) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  std::string path = name;
  place where;
  if (code == 0)
    where = find_place(folder, name, code);
  if (code == 0) {
    path = joined(where.folder->path, where.name);
    if (where.name.empty() || where.what())
      code = EEXIST;
  }
  if (code == 0) {
    const auto made = std::make_shared<node>();
    made->is_folder = true;
    made->inode = next_inode_++;
    nodes_.push_back(made);
    note({made, {}, where, {}, false});
  }
  return end_call("make_folder " + path, code);
}

int memory_files::list(int folder, std::vector<std::string>& names) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  auto* of = find(folder);
  if (code == 0 && of == nullptr)
    code = EBADF;
  if (code == 0 && !of->what->is_folder)
    code = ENOTDIR;
  if (code == 0)
    for (const auto& [name, what] : of->what->entries)
      names.push_back(name);
  return end_call("list " + name_of(of), code);
}

int memory_files::may_change(int folder) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  if (code == 0 && find(folder) == nullptr)
    code = EBADF;
  return end_call("may_change", code);
}

int memory_files::resolve(const char* path, std::string& whole) {
  const std::lock_guard guard{mutex_};
  int code = begin_call();
  const auto what = code == 0 ? walk(AT_FDCWD, path, code) : nullptr;
  if (what)
    whole = "/" + what->path;
  return end_call("resolve " + std::string{path}, code);
}

} // namespace weir::testing
