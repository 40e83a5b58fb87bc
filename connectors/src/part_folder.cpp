// SPDX-License-Identifier: Apache-2.0

#include "part_folder.hpp"

#include <cerrno>

namespace weir::detail {

expected<file_facts> part_folder::about(const std::string& name) const {
  file_facts facts;
  if (const int code = on->about(fd, name.c_str(), /*follow=*/false, facts); code != 0)
    return io_error(path_of(name), "cannot be looked at", code);
  return facts;
}

expected<void> part_folder::remove(const std::string& name) const {
  const int code = on->remove_file(fd, name.c_str());
  if (code != 0 && code != ENOENT)
    return io_error(path_of(name), "cannot be removed", code);
  return {};
}

expected<void> part_folder::sync() const {
  if (const int code = on->sync(fd); code != 0)
    return io_error(path, "cannot be written to the disk", code);
  return {};
}

} // namespace weir::detail
