// SPDX-License-Identifier: Apache-2.0
#include "job_outputs.hpp"

#include "job_paths.hpp"

#include "weir/same_place.hpp"

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

namespace weir::tool {

namespace {

namespace fs = std::filesystem;

expected<void> claim_folder(const job_file& job, job_outputs& outputs) {
  if (job.sink.is_standard_output())
    return {};
  auto folder = claim_output_folder(job.sink.path);
  if (!folder)
    return std::move(folder).why();
  outputs.folder = *std::move(folder);
  return {};
}

expected<void> check_dead_letters(const job_file& job, const std::string& path) {
  // Links may lead elsewhere since the folder is there.
  if (auto fault = dead_letter_fault(job, path); !fault.empty())
    return error{error_kind::argument, path, "is to take dead letters, so it " + fault};
  return {};
}

// -- without checkpoints --

/// Opens a file, or takes the one that another name led to.
expected<void> open_dead_letters(const std::string& path, job_outputs& outputs) {
  auto& all = outputs.dead_letters;
  const auto same = std::find_if(all.begin(), all.end(), [&](const auto& each) {
    return is_same_place(each.first, path);
  });
  if (same != all.end()) {
    all.emplace(path, same->second);
    return {};
  }
  auto file = dead_letter_file::open(path);
  if (!file)
    return std::move(file).why();
  all.emplace(path, *std::move(file));
  return {};
}

expected<void> clear_folder(const job_file& job, bool force, job_outputs& outputs) {
  if (job.sink.is_standard_output())
    return {};
  auto in_use = files_in_use(job);
  for (const auto& [path, file] : outputs.dead_letters)
    in_use.push_back({path, "a file for dead letters"});
  return clear_output_folder(outputs.folder, force, in_use);
}

// -- with checkpoints --

/// Whether they name one file in one folder. The name is taken as it is, since parts are called after it.
bool is_same_series(const fs::path& a, const fs::path& b) {
  const auto folder_of = [](const fs::path& path) {
    std::error_code fails;
    return fs::absolute(path, fails).parent_path();
  };
  return a.filename() == b.filename() && is_same_place(folder_of(a), folder_of(b));
}

/// Locks a place, or takes the path that another name of it has.
expected<void> lock_dead_letters(const std::string& path, job_outputs& outputs) {
  auto& all = outputs.dead_letter_paths;
  const auto same = std::find_if(all.begin(), all.end(), [&](const auto& each) {
    return is_same_series(each.first, path);
  });
  if (same != all.end()) {
    all.emplace(path, same->second);
    return {};
  }
  auto lock = dead_letter_lock::take(path);
  if (!lock)
    return std::move(lock).why();
  outputs.dead_letter_locks.push_back(*std::move(lock));
  all.emplace(path, path);
  return {};
}

/// Whether what a sink for dead letters may remove is not what the job needs.
expected<void> check_old_dead_letters(const job_file& job, const std::string& path) {
  const auto old = dead_letter_files(path);
  if (!old)
    return old.why();
  for (const auto& used : files_in_use(job))
    for (const auto& each : *old)
      if (is_same_place(each, used.path))
        return error{error_kind::io, each,
                     "bears the name of dead letters of this job but is " + used.role
                       + "; move it away, or name another file for dead letters"};
  return {};
}

expected<void> check_folder(const job_file& job, const job_outputs& outputs) {
  if (job.sink.is_standard_output())
    return {};
  auto in_use = files_in_use(job);
  for (const auto& path : paths_of_dead_letters(job))
    in_use.push_back({path, "a file for dead letters"});
  return check_output_folder(outputs.folder, in_use);
}

} // namespace

expected<job_outputs> open_outputs(const job_file& job, bool force) {
  job_outputs outputs;
  if (auto ok = claim_folder(job, outputs); !ok)
    return std::move(ok).why();
  const bool keeps = job.checkpoints.has_value();
  for (const auto& path : paths_of_dead_letters(job)) {
    if (auto ok = check_dead_letters(job, path); !ok)
      return std::move(ok).why();
    if (auto ok = keeps ? check_old_dead_letters(job, path) : expected<void>{}; !ok)
      return std::move(ok).why();
    if (auto ok = keeps ? lock_dead_letters(path, outputs) : open_dead_letters(path, outputs); !ok)
      return std::move(ok).why();
  }
  if (auto ok = keeps ? check_folder(job, outputs) : clear_folder(job, force, outputs); !ok)
    return std::move(ok).why();
  for (const auto& [path, file] : outputs.dead_letters)
    if (auto ok = file->clear(); !ok)
      return std::move(ok).why();
  return outputs;
}

std::vector<std::string> paths_of_dead_letters(const job_file& job) {
  std::set<std::string> paths{job.source.dead_letter};
  for (const auto& lookup : job.lookups)
    paths.insert(lookup.dead_letter);
  paths.erase("");
  return {paths.begin(), paths.end()};
}

} // namespace weir::tool
