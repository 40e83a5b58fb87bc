// SPDX-License-Identifier: Apache-2.0
#include "job_paths.hpp"

#include <filesystem>

namespace weir::tool {

namespace {

namespace fs = std::filesystem;

/// Absolute, with links followed as far as there is something.
fs::path resolved(const fs::path& path) {
  std::error_code fails;
  auto whole = fs::weakly_canonical(fs::absolute(path, fails), fails);
  return fails ? path : whole;
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
         && is_same_file(path, fs::path{sink.path} / name);
}

} // namespace

bool is_same_file(const std::string& a, const std::string& b) {
  std::error_code none_there;
  return fs::equivalent(a, b, none_there) || resolved(a) == resolved(b);
}

std::vector<file_in_use> files_in_use(const job_file& job) {
  std::vector<file_in_use> all{{job.path, "the job file"}};
  if (job.source.is_standard_input())
    add_redirected(all, "/dev/stdin", "the file that is standard input");
  else
    all.push_back({job.source.options.path, "the source's file"});
  for (const auto& pool : job.pools)
    if (auto file = pool.file(); !file.empty())
      all.push_back({std::move(file), "the database of pool " + pool.name});
  if (job.sink.is_standard_output())
    add_redirected(all, "/dev/stdout", "the file that is standard output");
  return all;
}

std::string dead_letter_fault(const job_file& job, const std::string& path) {
  for (const auto& used : files_in_use(job))
    if (!used.path.empty() && is_same_file(path, used.path))
      return "must not be " + used.role;
  if (is_part_of(job.sink, path) || is_part_of(job.sink, resolved(path)))
    return "must not have the name of a part in the sink's folder";
  return {};
}

} // namespace weir::tool
