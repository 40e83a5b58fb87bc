// SPDX-License-Identifier: Apache-2.0
#include "weir/checkpoint_folders.hpp"

#include "checkpoint_names.hpp"
#include "checkpoint_reading.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <functional>
#include <utility>

namespace weir {

namespace {

using namespace checkpoint_names;

/// The names in a folder, sorted; or why there are none, and errno.
struct listed_folder {
  std::vector<std::string> names{};
  error why{};
  int code = 0;
};

listed_folder list_folder(const std::shared_ptr<file_system>& on, const std::string& path) {
  auto [fd, code] = open_file(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  if (!fd)
    return {{}, io_error(path, "cannot be opened", code), code};
  listed_folder result;
  result.code = on->list(fd.get(), result.names);
  if (result.code != 0)
    result.why = io_error(path, "cannot be listed", result.code);
  std::sort(result.names.begin(), result.names.end());
  return result;
}

/// What cannot be looked at may still be there.
bool is_gone(file_system& on, const std::string& path) {
  file_facts facts;
  return on.about(AT_FDCWD, path.c_str(), /*follow=*/true, facts) == ENOENT;
}

bool is_matter_of_rights(int code) {
  return code == EACCES || code == EPERM;
}

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

class finder {
public:
  explicit finder(const std::shared_ptr<file_system>& on) : on_(on) {}

  /// Whether a folder is one of the store's making; or why nobody can say, and errno.
  struct looked_into {
    bool is_one = false;
    error why{};
    int code = 0;
  };

  /// Takes what is in `path`, whatever that is.
  looked_into look_into(const std::string& path) {
    // The name alone would not do: "." may be such a folder.
    std::string whole;
    if (const int code = on_->resolve(path.c_str(), whole); code != 0)
      return {false, io_error(path, "cannot be opened", code), code};
    if (const auto id = number_of(last_part(whole), checkpoint_prefix)) {
      found_.all.push_back({path, *id});
      return {true};
    }
    auto listed = list_folder(on_, path);
    if (listed.code != 0)
      return {false, std::move(listed.why), listed.code};
    bool is_one = number_of(last_part(whole), run_prefix).has_value();
    std::vector<std::pair<std::uint64_t, std::string>> inside;
    for (const auto& name : listed.names) {
      if (const auto id = number_of(name, checkpoint_prefix))
        inside.emplace_back(*id, name);
      else if (const auto run = number_of(name, run_prefix))
        inside.emplace_back(*run, name);
    }
    std::sort(inside.begin(), inside.end());
    for (const auto& [number, name] : inside) {
      is_one = true;
      const auto part = in(path, name);
      // What is taken away meanwhile is not there.
      if (auto looked = look_into(part); looked.code != 0 && !is_gone(*on_, part))
        found_.not_read.push_back(std::move(looked.why));
    }
    return {is_one || is_job(listed.names)};
  }

  /// As `look_into` for a folder that holds those of jobs.
  looked_into look_into_jobs(const std::string& path) {
    auto listed = list_folder(on_, path);
    if (listed.code != 0)
      return {false, std::move(listed.why), listed.code};
    bool has_jobs = false;
    for (const auto& name : listed.names) {
      auto looked = look_into_entry(in(path, name));
      has_jobs = has_jobs || looked.is_one;
      if (looked.code != 0)
        (is_matter_of_rights(looked.code) ? found_.passed_over : found_.not_read)
          .push_back(std::move(looked.why));
    }
    if (has_jobs)
      return {true};
    // Without them nobody can say that there are no jobs.
    for (auto* unknown : {&found_.not_read, &found_.passed_over})
      if (!unknown->empty())
        return {false, unknown->front(), EIO};
    return {};
  }

  found_checkpoints take() { return std::move(found_); }

private:
  /// A job that has only begun has nothing but this.
  static bool is_job(const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), lock_file_name) != names.end();
  }

  /// Of a folder that may be a job's; nothing where it is no folder.
  looked_into look_into_entry(const std::string& path) {
    file_facts facts;
    const int code = on_->about(AT_FDCWD, path.c_str(), /*follow=*/true, facts);
    // A link into nothing, or in a circle, is no folder.
    if (code == ENOENT || code == ENOTDIR || code == ELOOP)
      return {};
    if (code != 0)
      return {false, io_error(path, "cannot be looked at", code), code};
    if (facts.kind != file_kind::folder)
      return {};
    auto looked = look_into(path);
    return looked.code != 0 && is_gone(*on_, path) ? looked_into{} : looked;
  }

  const std::shared_ptr<file_system>& on_;
  found_checkpoints found_;
};

/// The same path with a name at its end, where it ended with "." or "..".
expected<std::string> with_name(file_system& on, std::string path) {
  while (path.size() > 1 && path.ends_with('/'))
    path.pop_back();
  const auto last = last_part(path);
  if (!last.empty() && last != "." && last != "..")
    return path;
  std::string whole;
  if (const int code = on.resolve(path.c_str(), whole); code != 0)
    return io_error(path, "cannot be opened", code);
  return whole;
}

/// By the names by which it was come to, as a start comes to it, also where one is a link's; nothing
/// where it lies in no run's folder.
expected<std::optional<detail::checkpoint_place>> place_of(file_system& on,
                                                           const std::string& path) {
  const auto run_of = [&](const std::string& checkpoint) {
    return with_name(on, parent_of(checkpoint));
  };
  auto checkpoint = with_name(on, path);
  if (!checkpoint)
    return std::move(checkpoint).why();
  auto run = run_of(*checkpoint);
  if (run && !number_of(last_part(*run), run_prefix)) {
    std::string whole;
    if (const int code = on.resolve(path.c_str(), whole); code != 0)
      return io_error(path, "cannot be opened", code);
    run = run_of(whole);
  }
  if (!run)
    return std::move(run).why();
  const auto number = number_of(last_part(*run), run_prefix);
  if (!number)
    return std::optional<detail::checkpoint_place>{};
  const auto job = with_name(on, parent_of(*run));
  if (!job)
    return job.why();
  return std::optional{detail::checkpoint_place{last_part(*job), *number}};
}

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
  if (is_gone(*on, of.path))
    return std::optional<manifest>{};
  return std::move(result).why();
}

} // namespace

expected<found_checkpoints> find_checkpoint_folders(const std::string& path,
                                                    const std::shared_ptr<file_system>& on) {
  finder all{on};
  auto looked = all.look_into(path);
  if (looked.code == 0 && !looked.is_one)
    looked = all.look_into_jobs(path);
  if (looked.code != 0)
    return std::move(looked.why);
  if (!looked.is_one)
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
    const auto place = place_of(*on, of.path);
    if (!place)
      return place.why();
    auto about = detail::read_manifest_at(on, folder, of.path, of.checkpoint, *place);
    if (!about)
      return about;
    for (const auto& file : about->files)
      if (auto ok
          = detail::read_state_file(on, folder, of.path, *about, file, [](auto&&...) {});
          !ok)
        return std::move(ok).why();
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
