// SPDX-License-Identifier: Apache-2.0
#include "weir/checkpoint_folders.hpp"

#include "checkpoint_names.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <utility>

namespace weir {

namespace {

using namespace checkpoint_names;

/// An open folder and the names in it, sorted.
struct listed_folder {
  owned_fd fd;
  std::vector<std::string> names;
};

expected<listed_folder> list_folder(const std::shared_ptr<file_system>& on,
                                    const std::string& path) {
  auto [fd, code] = open_file(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!fd)
    return io_error(path, "cannot be opened", code);
  listed_folder result{std::move(fd), {}};
  if (const int failed = on->list(result.fd.get(), result.names); failed != 0)
    return io_error(path, "cannot be listed", failed);
  std::sort(result.names.begin(), result.names.end());
  return result;
}

bool is_there(file_system& on, const std::string& path) {
  file_facts facts;
  return on.about(AT_FDCWD, path.c_str(), /*follow=*/true, facts) == 0;
}

bool is_folder(file_system& on, const std::string& path) {
  file_facts facts;
  return on.about(AT_FDCWD, path.c_str(), /*follow=*/true, facts) == 0
         && facts.kind == file_kind::folder;
}

class finder {
public:
  explicit finder(const std::shared_ptr<file_system>& on) : on_(on) {}

  /// Whether `path` is a folder of the store's making, whatever is in it.
  expected<bool> look_into(const std::string& path) {
    // The name alone would not do: "." may be such a folder.
    std::string whole;
    if (const int code = on_->resolve(path.c_str(), whole); code != 0)
      return io_error(path, "cannot be opened", code);
    if (const auto id = number_of(last_part(whole), checkpoint_prefix)) {
      found_.push_back({path, *id});
      return true;
    }
    const auto listed = list_folder(on_, path);
    if (!listed)
      return listed.why();
    bool is_one = number_of(last_part(whole), run_prefix).has_value();
    std::vector<std::pair<std::uint64_t, std::string>> inside;
    for (const auto& name : listed->names) {
      if (const auto id = number_of(name, checkpoint_prefix))
        inside.emplace_back(*id, name);
      else if (const auto run = number_of(name, run_prefix))
        inside.emplace_back(*run, name);
    }
    std::sort(inside.begin(), inside.end());
    for (const auto& [number, name] : inside) {
      is_one = true;
      if (auto ok = look_into_part(in(path, name)); !ok)
        return std::move(ok).why();
    }
    return is_one || is_job(listed->names);
  }

  /// As `look_into` for a folder that holds those of jobs.
  expected<bool> look_into_jobs(const std::string& path) {
    const auto listed = list_folder(on_, path);
    if (!listed)
      return listed.why();
    bool has_jobs = false;
    for (const auto& name : listed->names) {
      const auto job = in(path, name);
      if (!is_folder(*on_, job))
        continue;
      const auto is_one = look_into(job);
      if (!is_one && is_there(*on_, job))
        return is_one.why();
      has_jobs = has_jobs || (is_one && *is_one);
    }
    return has_jobs;
  }

  std::vector<checkpoint_folder> take() { return std::move(found_); }

private:
  static std::string last_part(const std::string& path) { return path.substr(path.rfind('/') + 1); }

  /// A job that has only begun has nothing but this.
  static bool is_job(const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), lock_file_name) != names.end();
  }

  /// What is taken away meanwhile is not there.
  expected<void> look_into_part(const std::string& path) {
    const auto ok = look_into(path);
    if (!ok && is_there(*on_, path))
      return ok.why();
    return {};
  }

  const std::shared_ptr<file_system>& on_;
  std::vector<checkpoint_folder> found_;
};

/// `read` of the open folder; nothing where the folder went away.
expected<std::optional<manifest>> read_if_there(
  const checkpoint_folder& of, const std::shared_ptr<file_system>& on,
  const std::function<expected<manifest>(int folder)>& read) {
  const auto [fd, code] = open_file(on, AT_FDCWD, of.path, O_RDONLY | O_DIRECTORY);
  if (!fd && code == ENOENT)
    return std::optional<manifest>{};
  if (!fd)
    return io_error(of.path, "cannot be opened", code);
  auto result = read(fd.get());
  if (result)
    return std::optional{*std::move(result)};
  if (!is_there(*on, of.path))
    return std::optional<manifest>{};
  return std::move(result).why();
}

} // namespace

expected<std::vector<checkpoint_folder>> find_checkpoint_folders(
  const std::string& path, const std::shared_ptr<file_system>& on) {
  finder all{on};
  auto is_one = all.look_into(path);
  if (is_one && !*is_one)
    is_one = all.look_into_jobs(path);
  if (!is_one)
    return std::move(is_one).why();
  if (!*is_one)
    return error{
      error_kind::argument, path,
      "is no folder of checkpoints; name the directory of [checkpoints], or a folder in it"};
  return all.take();
}

expected<std::optional<manifest>> read_checkpoint_manifest(const checkpoint_folder& of,
                                                           const std::shared_ptr<file_system>& on) {
  return read_if_there(of, on, [&](int folder) {
    return read_manifest(on, folder, in(of.path, manifest_file_name), of.checkpoint);
  });
}

expected<std::optional<manifest>> verify_checkpoint(const checkpoint_folder& of,
                                                    const std::shared_ptr<file_system>& on) {
  return read_if_there(of, on, [&](int folder) -> expected<manifest> {
    auto about = read_manifest(on, folder, in(of.path, manifest_file_name), of.checkpoint);
    if (!about)
      return about;
    for (const auto& file : about->files) {
      const block_file_header header{block_file_kind::state, about->run, about->checkpoint,
                                     about->stages[file.stage].name};
      const auto read
        = block_file::read(on, folder, file.name, in(of.path, file.name), header, file.sums);
      if (!read)
        return read.why();
    }
    return about;
  });
}

std::uint64_t state_bytes_of(const manifest& of) {
  std::uint64_t bytes = 0;
  for (const auto& file : of.files)
    bytes += file.sums.size;
  return bytes;
}

} // namespace weir
