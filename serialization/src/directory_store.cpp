// SPDX-License-Identifier: Apache-2.0

#include "weir/directory_store.hpp"

#include "checkpoint_names.hpp"
#include "checkpoint_reading.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace weir {

namespace {

using namespace checkpoint_names;

constexpr std::string_view state_suffix = ".state";
// What file systems allow, less what is put behind it.
constexpr std::size_t name_bytes_max = 240;

/// Of the name of what is being written or taken away.
std::optional<std::uint64_t> number_of_unfinished(std::string_view name, std::string_view prefix) {
  if (!name.ends_with(unfinished))
    return std::nullopt;
  return number_of(name.substr(0, name.size() - unfinished.size()), prefix);
}

/// Keeps the first error.
void note(expected<void>& all, expected<void> more) {
  if (all && !more)
    all = std::move(more);
}

/// What a file system says that has no locks, and not one whose device fails.
bool has_no_locks(int code) noexcept {
  return code == ENOLCK || code == ENOSYS || code == EOPNOTSUPP;
}

/// A folder that is open, and its path for errors.
struct folder {
  owned_fd fd;
  std::string path;

  int get() const noexcept { return fd.get(); }
};

class store_in_directory final : public checkpoint_store {
public:
  store_in_directory(std::string directory, std::shared_ptr<file_system> on,
                     std::uint64_t state_bytes_max)
    : directory_(std::move(directory)),
      on_(std::move(on)),
      state_bytes_max_(state_bytes_max) {}

  expected<void> claim(const std::string& job) override;
  void release() noexcept override { lock_.close(); }
  expected<std::vector<run_in_store>> runs() override;
  expected<std::uint64_t> write(checkpoint& what) override;
  expected<manifest> about(std::uint64_t run, std::uint64_t id) override;
  expected<checkpoint> load(std::uint64_t run, std::uint64_t id) override;
  expected<void> remove(std::uint64_t run, std::uint64_t id) override;
  expected<void> remove_run(std::uint64_t run) override;
  expected<void> remove_unfinished() override;
  expected<void> set_aside(std::uint64_t run, std::uint64_t id) override;

private:
  // -- folders --
  expected<folder> open(int in_folder, const std::string& name, std::string path);
  expected<folder> open_run(std::uint64_t run);
  expected<void> make(int in_folder, const std::string& name, const std::string& path);
  expected<folder> make_and_open(const folder& parent, const std::string& name);
  expected<void> sync(const folder& what);
  expected<std::vector<std::string>> list(const folder& what);
  expected<void> remove_tree(const folder& parent, const std::string& name);
  expected<void> remove_leftover(const folder& parent, const std::string& name);
  expected<void> move(const folder& in_folder, const std::string& from, const std::string& to);
  expected<void> name_anew(const folder& in_folder, const std::string& name,
                           const std::string& by_way_of);

  // -- steps --
  expected<void> take_lock();
  expected<void> check_claim() const;
  expected<void> remove_unfinished_checkpoints(std::uint64_t run);
  expected<folder> open_run_to_write(std::uint64_t run);
  expected<std::uint64_t> write_unfinished(const folder& run, const std::string& temporary,
                                           checkpoint& what);
  expected<std::uint64_t> write_files(const folder& to, checkpoint& what);
  expected<manifest> read_about(const folder& run, std::uint64_t run_number, std::uint64_t id);
  expected<void> make_durable(const folder& run, std::uint64_t run_number, std::uint64_t id);
  expected<void> load_file(const folder& from, const manifest_file& file, checkpoint& into);

  const std::string directory_;
  const std::shared_ptr<file_system> on_;
  const std::uint64_t state_bytes_max_;
  const std::shared_ptr<block_pool> pool_ = std::make_shared<block_pool>();
  std::string job_;
  folder home_;
  folder_path home_path_;
  owned_fd lock_;
  // Whose folder's name is known to be on the disk.
  std::optional<std::uint64_t> durable_run_;
  // By run: whose own name may not be on the disk, since a sync has failed.
  std::set<std::pair<std::uint64_t, std::uint64_t>> in_doubt_;
  // Paths to which something was renamed that is taken away, and where a sync has failed.
  std::set<std::string> taken_in_doubt_;
};

// -- folders --

expected<folder> store_in_directory::open(int in_folder, const std::string& name,
                                          std::string path) {
  auto [fd, code] = open_file(on_, in_folder, name, O_RDONLY | O_DIRECTORY);
  if (!fd)
    return io_error(std::move(path), "cannot be opened", code);
  return folder{std::move(fd), std::move(path)};
}

expected<folder> store_in_directory::open_run(std::uint64_t run) {
  const auto name = numbered(run_prefix, run);
  return open(home_.get(), name, in(home_.path, name));
}

expected<void> store_in_directory::make(int in_folder, const std::string& name,
                                        const std::string& path) {
  const int code = on_->make_folder(in_folder, name.c_str());
  if (code == ENOENT)
    return io_error(path, "cannot be created, since its parent folder is missing", code);
  if (code != 0 && code != EEXIST)
    return io_error(path, "cannot be created", code);
  return {};
}

/// Makes a folder where it is missing; its name is durable before anything is put into it.
expected<folder> store_in_directory::make_and_open(const folder& parent, const std::string& name) {
  const auto path = in(parent.path, name);
  file_facts facts;
  const bool is_new = on_->about(parent.get(), name.c_str(), /*follow=*/true, facts) == ENOENT;
  if (auto ok = make(parent.get(), name, path); !ok)
    return std::move(ok).why();
  if (auto ok = sync(parent); !ok) {
    // A second sync that succeeds would say nothing of this name, so the next try makes it anew.
    if (is_new)
      on_->remove_folder(parent.get(), name.c_str());
    return std::move(ok).why();
  }
  return open(parent.get(), name, path);
}

expected<void> store_in_directory::sync(const folder& what) {
  if (const int code = on_->sync(what.get()); code != 0)
    return io_error(what.path, "cannot be written to the disk", code);
  return {};
}

expected<std::vector<std::string>> store_in_directory::list(const folder& what) {
  std::vector<std::string> names;
  if (const int code = on_->list(what.get(), names); code != 0)
    return io_error(what.path, "cannot be listed", code);
  return names;
}

expected<void> store_in_directory::remove_tree(const folder& parent, const std::string& name) {
  const auto path = in(parent.path, name);
  // Through a link lies what is another's.
  auto opened = open_file(on_, parent.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (opened.code == ENOENT)
    return {};
  if (opened.code == ENOTDIR || opened.code == ELOOP) {
    const int code = on_->remove_file(parent.get(), name.c_str());
    return code == 0 || code == ENOENT ? expected<void>{}
                                       : io_error(path, "cannot be removed", code);
  }
  if (!opened.fd)
    return io_error(path, "cannot be opened", opened.code);
  const folder inside{std::move(opened.fd), path};
  const auto names = list(inside);
  if (!names)
    return names.why();
  for (const auto& each : *names) {
    file_facts facts;
    int code = on_->about(inside.get(), each.c_str(), /*follow=*/false, facts);
    if (code == 0 && facts.kind == file_kind::folder) {
      if (auto ok = remove_tree(inside, each); !ok)
        return ok;
      continue;
    }
    if (code == 0)
      code = on_->remove_file(inside.get(), each.c_str());
    if (code != 0 && code != ENOENT)
      return io_error(in(path, each), "cannot be removed", code);
  }
  if (const int code = on_->remove_folder(parent.get(), name.c_str()); code != 0 && code != ENOENT)
    return io_error(path, "cannot be removed", code);
  return {};
}

/// As `remove_tree`, of what an earlier removal may have left. Whether the disk knows of the rename
/// that took its name away nobody can say; without it, what is half removed would be a checkpoint
/// again.
expected<void> store_in_directory::remove_leftover(const folder& parent, const std::string& name) {
  file_facts facts;
  const int code = on_->about(parent.get(), name.c_str(), /*follow=*/false, facts);
  if (code == ENOENT)
    return {};
  if (code != 0)
    return io_error(in(parent.path, name), "cannot be looked at", code);
  const auto in_doubt = taken_in_doubt_.find(in(parent.path, name));
  if (in_doubt != taken_in_doubt_.end())
    if (auto ok = name_anew(parent, name, name.substr(0, name.size() - unfinished.size())); !ok)
      return ok;
  if (auto ok = sync(parent); !ok)
    return ok;
  if (in_doubt != taken_in_doubt_.end())
    taken_in_doubt_.erase(in_doubt);
  return remove_tree(parent, name);
}

/// Renames, durably; what is not there any more has been renamed before.
expected<void> store_in_directory::move(const folder& in_folder, const std::string& from,
                                        const std::string& to) {
  const int code
    = on_->rename(in_folder.get(), from.c_str(), in_folder.get(), to.c_str(), /*replace=*/false);
  if (code != 0 && code != ENOENT)
    return io_error(in(in_folder.path, from), "cannot be renamed", code);
  auto synced = sync(in_folder);
  if (synced)
    taken_in_doubt_.erase(in(in_folder.path, to));
  else
    taken_in_doubt_.insert(in(in_folder.path, to));
  return synced;
}

/// Where a sync has failed: a second one that succeeds would say nothing of the name.
expected<void> store_in_directory::name_anew(const folder& in_folder, const std::string& name,
                                             const std::string& by_way_of) {
  for (const auto& [from, to] : {std::pair{name, by_way_of}, std::pair{by_way_of, name}})
    if (const int code = on_->rename(in_folder.get(), from.c_str(), in_folder.get(), to.c_str(),
                                     /*replace=*/false);
        code != 0)
      return io_error(in(in_folder.path, from), "cannot be renamed", code);
  return {};
}

// -- claim --

expected<void> store_in_directory::claim(const std::string& job) {
  const auto name = file_name_of(job);
  if (name.empty() || name.size() > name_bytes_max)
    return error{error_kind::argument, job,
                 "must be a name of 1 to 240 bytes, so that a folder can bear it"};
  if (auto ok = make(AT_FDCWD, directory_, directory_); !ok)
    return ok;
  const auto parent_path = parent_of(directory_);
  const auto parent = open(AT_FDCWD, parent_path, parent_path);
  if (!parent)
    return parent.why();
  if (auto ok = sync(*parent); !ok)
    return ok;
  const auto directory = open(AT_FDCWD, directory_, directory_);
  if (!directory)
    return directory.why();
  auto home = make_and_open(*directory, name);
  if (!home)
    return std::move(home).why();
  home_ = *std::move(home);
  home_path_ = folder_path{on_, home_.path};
  job_ = job;
  if (auto ok = take_lock(); !ok)
    return ok;
  return remove_unfinished();
}

expected<void> store_in_directory::take_lock() {
  const auto path = in(home_.path, lock_file_name);
  auto file = open_lock_file(on_, home_.get(), std::string{lock_file_name}, path);
  if (!file)
    return std::move(file).why();
  const int code = on_->lock(file->get());
  if (code == EWOULDBLOCK) {
    std::string holder;
    static_cast<void>(read_all(*on_, file->get(), 100, holder));
    return error{error_kind::io, home_.path,
                 "is in use by " + (holder.empty() ? std::string{"another process"} : holder)
                   + "; wait for its end, or name another folder for the checkpoints"};
  }
  // Two processes without one would each remove what the other writes.
  if (has_no_locks(code))
    return error{error_kind::io, path,
                 "cannot be locked: " + std::generic_category().message(code)
                   + "; name a folder for the checkpoints on a file system that has locks"};
  if (code != 0)
    return io_error(path, "cannot be locked", code);
  // For the message above alone, so what goes wrong here does not matter.
  const auto text = "process " + std::to_string(::getpid());
  std::size_t written = 0;
  if (on_->truncate(file->get(), 0) == 0)
    static_cast<void>(write_all(*on_, file->get(), text, written));
  lock_ = *std::move(file);
  return {};
}

/// Whether another process could have the job's place by now: where this one looked for it there is
/// another folder, or another file to be locked.
expected<void> store_in_directory::check_claim() const {
  if (auto ok = home_path_.check(home_.fd); !ok)
    return ok;
  file_facts held;
  file_facts by_name;
  int code = on_->about(lock_.get(), held);
  if (code == 0)
    code = on_->about(home_.get(), std::string{lock_file_name}.c_str(), /*follow=*/true, by_name);
  // One that was only removed locks nobody else in yet.
  if (code == ENOENT)
    return {};
  if (code != 0)
    return io_error(in(home_.path, lock_file_name), "cannot be looked at", code);
  if (!is_same_file(held, by_name))
    return error{error_kind::io, home_.path,
                 "is in use by another process: the file LOCK that this one has locked was "
                 "replaced; stop one of them"};
  return {};
}

// -- looking --

expected<std::vector<run_in_store>> store_in_directory::runs() {
  const auto names = list(home_);
  if (!names)
    return names.why();
  std::vector<run_in_store> result;
  for (const auto& name : *names) {
    const auto number = number_of(name, run_prefix);
    if (!number)
      continue;
    const auto inside = open(home_.get(), name, in(home_.path, name));
    if (!inside)
      return inside.why();
    const auto checkpoints = list(*inside);
    if (!checkpoints)
      return checkpoints.why();
    run_in_store run{*number, {}};
    for (const auto& each : *checkpoints)
      if (const auto id = number_of(each, checkpoint_prefix))
        run.checkpoints.push_back(*id);
    std::sort(run.checkpoints.begin(), run.checkpoints.end());
    if (!run.checkpoints.empty())
      result.push_back(std::move(run));
  }
  std::sort(result.begin(), result.end(),
            [](const auto& a, const auto& b) { return a.number < b.number; });
  return result;
}

expected<manifest> store_in_directory::read_about(const folder& run, std::uint64_t run_number,
                                                  std::uint64_t id) {
  const auto name = numbered(checkpoint_prefix, id);
  const auto inside = open(run.get(), name, in(run.path, name));
  if (!inside)
    return inside.why();
  return detail::read_manifest_at(on_, inside->get(), inside->path, id,
                                  detail::checkpoint_place{file_name_of(job_), run_number});
}

expected<manifest> store_in_directory::about(std::uint64_t run, std::uint64_t id) {
  const auto inside = open_run(run);
  if (!inside)
    return inside.why();
  return read_about(*inside, run, id);
}

expected<checkpoint> store_in_directory::load(std::uint64_t run, std::uint64_t id) {
  const auto of_run = open_run(run);
  if (!of_run)
    return of_run.why();
  auto about = read_about(*of_run, run, id);
  if (!about)
    return std::move(about).why();
  checkpoint result{*std::move(about), {}};
  const auto name = numbered(checkpoint_prefix, id);
  const auto inside = open(of_run->get(), name, in(of_run->path, name));
  if (!inside)
    return inside.why();
  for (const auto& file : result.about.files)
    if (auto ok = load_file(*inside, file, result); !ok)
      return std::move(ok).why();
  if (auto ok = make_durable(*of_run, run, id); !ok)
    return std::move(ok).why();
  return result;
}

/// What is gone on from must be there for good, since what belongs to it is shown then. The process that has
/// written it may have died in front of the last sync.
expected<void> store_in_directory::make_durable(const folder& run, std::uint64_t run_number,
                                                std::uint64_t id) {
  const std::pair which{run_number, id};
  if (in_doubt_.contains(which)) {
    const auto name = numbered(checkpoint_prefix, id);
    if (auto ok = name_anew(run, name, name + std::string{unfinished}); !ok)
      return ok;
  }
  if (auto ok = sync(run); !ok)
    return ok;
  in_doubt_.erase(which);
  return sync(home_);
}

expected<void> store_in_directory::load_file(const folder& from, const manifest_file& file,
                                             checkpoint& into) {
  std::optional<std::uint32_t> last;
  return detail::read_state_file(
    on_, from.get(), from.path, into.about, file,
    [&](std::uint32_t instance, std::span<const std::byte> bytes) {
      if (last != instance)
        into.states.push_back({file.stage, instance, state_blocks{pool_}});
      last = instance;
      auto& to = into.states.back().bytes;
      while (!bytes.empty()) {
        const auto room = to.room();
        const auto now = std::min(room.size(), bytes.size());
        std::memcpy(room.data(), bytes.data(), now);
        to.filled(now);
        bytes = bytes.subspan(now);
      }
    });
}

// -- writing --

expected<std::uint64_t> store_in_directory::write(checkpoint& what) {
  if (auto ok = check_claim(); !ok)
    return std::move(ok).why();
  const auto run = open_run_to_write(what.about.run_number);
  if (!run)
    return run.why();
  const auto name = numbered(checkpoint_prefix, what.about.checkpoint);
  const auto temporary = name + std::string{unfinished};
  if (auto ok = remove_leftover(*run, temporary); !ok)
    return std::move(ok).why();
  if (auto ok = make(run->get(), temporary, in(run->path, temporary)); !ok)
    return std::move(ok).why();
  auto bytes = write_unfinished(*run, temporary, what);
  if (!bytes) {
    // Else a disk that is full would stay full. What cannot be removed now is tried again later.
    static_cast<void>(remove_tree(*run, temporary));
    return bytes;
  }
  const int code = on_->rename(run->get(), temporary.c_str(), run->get(), name.c_str(),
                               /*replace=*/false);
  if (code != 0) {
    static_cast<void>(remove_leftover(*run, temporary));
    return io_error(in(run->path, name), "cannot be made whole", code);
  }
  const std::pair which{what.about.run_number, what.about.checkpoint};
  if (auto ok = sync(*run); !ok) {
    in_doubt_.insert(which);
    return std::move(ok).why();
  }
  in_doubt_.erase(which);
  return bytes;
}

/// The run's folder, whose name is on the disk: also where a process that died has made it.
expected<folder> store_in_directory::open_run_to_write(std::uint64_t run) {
  if (durable_run_ == run)
    return open_run(run);
  auto made = make_and_open(home_, numbered(run_prefix, run));
  if (made)
    durable_run_ = run;
  return made;
}

/// All of a checkpoint but its name, on the disk.
expected<std::uint64_t> store_in_directory::write_unfinished(const folder& run,
                                                             const std::string& temporary,
                                                             checkpoint& what) {
  const auto to = open(run.get(), temporary, in(run.path, temporary));
  if (!to)
    return to.why();
  auto bytes = write_files(*to, what);
  if (bytes)
    if (auto ok = sync(*to); !ok)
      return std::move(ok).why();
  return bytes;
}

expected<std::uint64_t> store_in_directory::write_files(const folder& to, checkpoint& what) {
  auto& about = what.about;
  about.files.clear();
  std::uint64_t bytes = 0;
  for (auto at = what.states.begin(); at != what.states.end();) {
    const auto stage = at->stage;
    std::vector<section_to_write> sections;
    for (; at != what.states.end() && at->stage == stage; ++at)
      if (at->bytes.size() > 0)
        sections.push_back({at->instance, &at->bytes});
    if (sections.empty())
      continue;
    // Two stages may have names that begin alike and are too long.
    auto name = file_name_of(about.stages[stage].name);
    if (name.size() > name_bytes_max - digits)
      name = name.substr(0, name_bytes_max - 2 * digits) + "-" + std::to_string(stage);
    name += state_suffix;
    const auto sums = write_block_file(
      on_, to.get(), name, in(to.path, name),
      {block_file_kind::state, about.run, about.checkpoint, about.stages[stage].name}, sections,
      state_bytes_max_);
    if (!sums)
      return sums.why();
    bytes += sums->size;
    about.files.push_back({stage, std::move(name), *sums});
  }
  const auto sums = write_manifest(on_, to.get(), in(to.path, manifest_file_name), about);
  if (!sums)
    return sums.why();
  return bytes + sums->size;
}

// -- taking away --

expected<void> store_in_directory::remove(std::uint64_t run, std::uint64_t id) {
  const auto run_name = numbered(run_prefix, run);
  auto opened = open_file(on_, home_.get(), run_name, O_RDONLY | O_DIRECTORY);
  if (opened.code == ENOENT)
    return {};
  if (!opened.fd)
    return io_error(in(home_.path, run_name), "cannot be opened", opened.code);
  const folder inside{std::move(opened.fd), in(home_.path, run_name)};
  const auto name = numbered(checkpoint_prefix, id);
  const auto temporary = name + std::string{unfinished};
  // Left by a write or a removal that failed.
  if (auto ok = remove_leftover(inside, temporary); !ok)
    return ok;
  // Its name goes first, and for good: what is half removed must never be taken for a checkpoint.
  if (auto ok = move(inside, name, temporary); !ok)
    return ok;
  in_doubt_.erase({run, id});
  return remove_tree(inside, temporary);
}

expected<void> store_in_directory::remove_run(std::uint64_t run) {
  const auto name = numbered(run_prefix, run);
  const auto temporary = name + std::string{unfinished};
  if (durable_run_ == run)
    durable_run_.reset();
  if (auto ok = remove_leftover(home_, temporary); !ok)
    return ok;
  if (auto ok = move(home_, name, temporary); !ok)
    return ok;
  return remove_tree(home_, temporary);
}

/// Nothing else of this process is at work here and no other one has the job, so what bears such a
/// name is left. One that stays hinders no other one's removal.
expected<void> store_in_directory::remove_unfinished() {
  const auto names = list(home_);
  if (!names)
    return names.why();
  expected<void> all{};
  for (const auto& name : *names)
    if (const auto run = number_of(name, run_prefix))
      note(all, remove_unfinished_checkpoints(*run));
    else if (number_of_unfinished(name, run_prefix))
      note(all, remove_leftover(home_, name));
  return all;
}

expected<void> store_in_directory::remove_unfinished_checkpoints(std::uint64_t run) {
  const auto inside = open_run(run);
  if (!inside)
    return inside.why();
  const auto names = list(*inside);
  if (!names)
    return names.why();
  expected<void> all{};
  for (const auto& name : *names) {
    const auto id = number_of_unfinished(name, checkpoint_prefix);
    // Where it was only being given its name anew it may be whole.
    if (id
        && (!in_doubt_.contains({run, *id}) || taken_in_doubt_.contains(in(inside->path, name))))
      note(all, remove_leftover(*inside, name));
  }
  return all;
}

expected<void> store_in_directory::set_aside(std::uint64_t run, std::uint64_t id) {
  const auto inside = open_run(run);
  if (!inside)
    return inside.why();
  const auto name = numbered(checkpoint_prefix, id);
  // A number comes again when the job goes on from an older one, and may be set aside again.
  auto to = name + std::string{set_aside_mark};
  for (std::uint64_t n = 2;; ++n) {
    file_facts facts;
    const int code = on_->about(inside->get(), to.c_str(), /*follow=*/false, facts);
    if (code == ENOENT)
      return move(*inside, name, to);
    if (code != 0)
      return io_error(in(inside->path, to), "cannot be looked at", code);
    to = name + std::string{set_aside_mark} + "." + std::to_string(n);
  }
}

} // namespace

std::shared_ptr<checkpoint_store> directory_store(std::string directory,
                                                  std::shared_ptr<file_system> on,
                                                  std::uint64_t state_bytes_max) {
  return std::make_shared<store_in_directory>(std::move(directory), std::move(on), state_bytes_max);
}

std::string file_name_of(std::string_view name) {
  constexpr std::string_view plain
    = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string result;
  for (const char c : name) {
    if (plain.find(c) != plain.npos && !(c == '.' && result.empty())) {
      result += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    result += '%';
    result += hex[byte >> 4];
    result += hex[byte & 0xF];
  }
  return result;
}

} // namespace weir
