// SPDX-License-Identifier: Apache-2.0
#include "job_paths.hpp"

#include "weir/directory_store.hpp"
#include "weir/same_place.hpp"

#include <algorithm>
#include <filesystem>

namespace weir::tool {

namespace {

namespace fs = std::filesystem;

/// Whether `path` is somewhere in `folder`, or `folder` itself.
bool lies_in(const fs::path& path, const fs::path& folder) {
  const fs::path whole = real_path(path);
  const fs::path above = real_path(folder);
  return std::mismatch(above.begin(), above.end(), whole.begin(), whole.end()).first == above.end();
}

/// What a standard stream was redirected to, if that is a file.
void add_redirected(std::vector<file_in_use>& all, const char* device, const char* role) {
  std::error_code fails;
  if (fs::is_regular_file(device, fails))
    all.push_back({device, role});
}

/// Whether the sink might write `path` as a part, or remove it as one.
bool is_part_of(const sink_section& sink, const fs::path& path) {
  const auto name = path.filename().string();
  return !sink.is_standard_output() && !sink.path.empty() && is_part_file_name(name)
         && is_same_place(path, fs::path{sink.path} / name);
}

/// Files that are the job's alone, and the sink's folder.
std::vector<file_in_use> places_of(const job_file& job) {
  auto all = files_in_use(job);
  all.push_back({job.source.dead_letter, "a file for dead letters"});
  for (const auto& lookup : job.lookups)
    all.push_back({lookup.dead_letter, "a file for dead letters"});
  if (!job.sink.is_standard_output())
    all.push_back({job.sink.path, "the sink's folder"});
  std::erase_if(all, [](const file_in_use& each) { return each.path.empty(); });
  return all;
}

} // namespace

std::vector<file_in_use> files_in_use(const job_file& job) {
  std::vector<file_in_use> all{{job.path, "the job file"}};
  if (job.source.is_standard_input())
    add_redirected(all, "/dev/stdin", "the file that is standard input");
  else
    all.push_back({job.source.options.path, "the source's file"});
  for (const auto& pool : job.pools)
    if (!pool.file.empty())
      all.push_back({pool.file, "the file of pool " + pool.name});
  if (job.sink.is_standard_output())
    add_redirected(all, "/dev/stdout", "the file that is standard output");
  return all;
}

std::string dead_letter_fault(const job_file& job, const std::string& path) {
  for (const auto& used : files_in_use(job))
    if (!used.path.empty() && is_same_place(path, used.path))
      return "must not be " + used.role;
  if (is_part_of(job.sink, path) || is_part_of(job.sink, real_path(path)))
    return "must not have the name of a part in the sink's folder";
  return {};
}

std::string checkpoint_directory_fault(const job_file& job) {
  const auto& directory = job.checkpoints->directory;
  if (directory.empty())
    return {};
  const auto places = places_of(job);
  for (const auto& used : places)
    if (is_same_place(directory, used.path))
      return "must not be " + used.role;
  const auto& sink = job.sink;
  if (!sink.is_standard_output() && !sink.path.empty() && lies_in(directory, sink.path))
    return "must not lie in the sink's folder, " + sink.path
           + ": who reads or clears that would take checkpoints for output";
  if (job.name.empty())
    return {};
  // Other folders of the directory are not this job's, and files may lie beside them.
  const auto own = fs::path{directory} / file_name_of(job.name);
  for (const auto& used : places) {
    const auto leads = "leads to " + own.string() + " for the checkpoints of this job, which must not ";
    if (is_same_place(own, used.path))
      return leads + "be " + used.role;
    if (lies_in(used.path, own))
      return leads + "have " + used.role + " in it";
  }
  return {};
}

} // namespace weir::tool
