// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A folder of a test's own, gone with the test, and a few words for the files in it. One thread.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <stdlib.h>
#include <string>
#include <string_view>

namespace weir::testing {

class temp_folder {
public:
  temp_folder() {
    auto pattern = (std::filesystem::temp_directory_path() / "weir-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr)
      throw std::runtime_error{"cannot create " + pattern};
    path_ = pattern;
  }

  ~temp_folder() {
    std::error_code ignored;
    // A test may have taken the right to write from it.
    std::filesystem::permissions(path_, std::filesystem::perms::owner_all, ignored);
    std::filesystem::remove_all(path_, ignored);
  }

  temp_folder(const temp_folder&) = delete;
  temp_folder& operator=(const temp_folder&) = delete;

  /// The folder, or what is called `name` in it.
  std::string path() const { return path_.string(); }
  std::string path(std::string_view name) const { return (path_ / name).string(); }

  /// Writes a file and gives its path.
  std::string write(std::string_view name, std::string_view text) const {
    std::ofstream file{path(name), std::ios::binary};
    file << text;
    if (!file.flush())
      throw std::runtime_error{"cannot write " + path(name)};
    return path(name);
  }

  std::string read(std::string_view name) const {
    std::ifstream file{path(name), std::ios::binary};
    if (!file)
      throw std::runtime_error{"cannot read " + path(name)};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  /// Names in the folder, hidden ones too, or in a folder in it.
  std::set<std::string> names(std::string_view folder = ".") const {
    std::set<std::string> result;
    for (const auto& entry : std::filesystem::directory_iterator{path_ / folder})
      result.insert(entry.path().filename().string());
    return result;
  }

private:
  std::filesystem::path path_;
};

} // namespace weir::testing
