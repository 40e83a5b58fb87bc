// SPDX-License-Identifier: Apache-2.0
#include "weir/same_place.hpp"

#include <filesystem>
#include <system_error>

namespace weir {

namespace fs = std::filesystem;

std::string real_path(const std::string& path) {
  std::error_code fails;
  auto whole = fs::weakly_canonical(fs::absolute(path, fails), fails);
  if (fails)
    whole = path;
  return (whole.has_filename() ? whole : whole.parent_path()).string();
}

bool is_same_place(const std::string& a, const std::string& b) {
  std::error_code none_there;
  return fs::equivalent(a, b, none_there) || real_path(a) == real_path(b);
}

} // namespace weir
