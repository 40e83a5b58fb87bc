// SPDX-License-Identifier: Apache-2.0
#include "job_outputs.hpp"

#include "job_paths.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace weir::tool {

namespace {

expected<void> claim_folder(const job_file& job, job_outputs& outputs) {
  if (job.sink.is_standard_output())
    return {};
  auto folder = claim_output_folder(job.sink.path);
  if (!folder)
    return std::move(folder).why();
  outputs.folder = *std::move(folder);
  return {};
}

/// Opens a file, or takes the one that another name led to.
expected<void> open_dead_letters(const job_file& job, const std::string& path,
                                 job_outputs& outputs) {
  auto& all = outputs.dead_letters;
  // Links may lead elsewhere since the folder is there.
  if (auto fault = dead_letter_fault(job, path); !fault.empty())
    return error{error_kind::argument, path, "is to take dead letters, so it " + fault};
  const auto same = std::find_if(all.begin(), all.end(), [&](const auto& each) {
    return is_same_file(each.first, path);
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

expected<void> open_all_dead_letters(const job_file& job, job_outputs& outputs) {
  std::vector<std::string> paths{job.source.dead_letter};
  for (const auto& lookup : job.lookups)
    paths.push_back(lookup.dead_letter);
  for (const auto& path : paths)
    if (!path.empty())
      if (auto ok = open_dead_letters(job, path, outputs); !ok)
        return ok;
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

} // namespace

expected<job_outputs> open_outputs(const job_file& job, bool force) {
  job_outputs outputs;
  if (auto ok = claim_folder(job, outputs); !ok)
    return std::move(ok).why();
  if (auto ok = open_all_dead_letters(job, outputs); !ok)
    return std::move(ok).why();
  if (auto ok = clear_folder(job, force, outputs); !ok)
    return std::move(ok).why();
  for (const auto& [path, file] : outputs.dead_letters)
    if (auto ok = file->clear(); !ok)
      return std::move(ok).why();
  return outputs;
}

} // namespace weir::tool
