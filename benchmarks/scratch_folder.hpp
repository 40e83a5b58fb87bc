// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A folder for what a run writes, below the one that the program was started in, so that it is on a disk that
/// checkpoints would be on; gone with the run.

#include <filesystem>
#include <string>
#include <string_view>
#include <unistd.h>

namespace bench {

class scratch_folder {
public:
  scratch_folder() : path_("bench-scratch-" + std::to_string(::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  ~scratch_folder() { std::filesystem::remove_all(path_); }
  scratch_folder(const scratch_folder&) = delete;
  scratch_folder& operator=(const scratch_folder&) = delete;

  std::string in(std::string_view name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

} // namespace bench
