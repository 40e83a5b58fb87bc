// SPDX-License-Identifier: Apache-2.0

#include "parts_aside.hpp"

#include "weir/file_system.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <utility>

namespace weir::detail {

namespace {

// Not through a link, which may lead to another disk or to nothing.
constexpr int folder_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW;

bool is_no_folder(int code) noexcept {
  return code == ENOTDIR || code == ELOOP;
}

/// The n-th folder for what is moved aside.
std::string aside(std::uint64_t checkpoint, std::uint64_t n) {
  return "discarded-" + std::to_string(checkpoint) + (n == 1 ? "" : "." + std::to_string(n));
}

bool has_any(const part_folder& in, const owned_fd& folder, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    file_facts facts;
    return in.on->about(folder.get(), name.c_str(), /*follow=*/false, facts) == 0;
  });
}

/// One that was made before is used again unless it holds any of these names: those of another time.
expected<owned_fd> make_folder(const part_folder& in, const std::vector<std::string>& names,
                               std::uint64_t checkpoint, std::string& name) {
  for (std::uint64_t n = 1;; ++n) {
    name = aside(checkpoint, n);
    if (const int code = in.on->make_folder(in.fd, name.c_str()); code != 0 && code != EEXIST)
      return io_error(in.path_of(name), "cannot be created", code);
    auto [folder, code] = open_file(in.on, in.fd, name, folder_flags);
    if (!folder && !is_no_folder(code))
      return io_error(in.path_of(name), "cannot be opened", code);
    if (folder && !has_any(in, folder, names))
      return std::move(folder);
  }
}

} // namespace

expected<std::string> move_aside(const part_folder& in, const std::vector<std::string>& names,
                                 std::uint64_t checkpoint) {
  std::string folder;
  const auto to = make_folder(in, names, checkpoint, folder);
  if (!to)
    return to.why();
  // The folder must not vanish with what is in it.
  if (auto ok = in.sync(); !ok)
    return std::move(ok).why();
  for (const auto& name : names)
    if (const int code
        = in.on->rename(in.fd, name.c_str(), to->get(), name.c_str(), /*replace=*/false);
        code != 0)
      return io_error(in.path_of(name), "cannot be moved to " + in.path_of(folder), code);
  return in.path_of(folder);
}

expected<void> sync_aside(const part_folder& in, std::uint64_t checkpoint) {
  for (std::uint64_t n = 1;; ++n) {
    const auto name = aside(checkpoint, n);
    const auto [folder, code] = open_file(in.on, in.fd, name, folder_flags);
    if (code == ENOENT)
      return {};
    if (!folder && !is_no_folder(code))
      return io_error(in.path_of(name), "cannot be opened", code);
    if (folder)
      if (const int failed = in.on->sync(folder.get()); failed != 0)
        return io_error(in.path_of(name), "cannot be written to the disk", failed);
  }
}

} // namespace weir::detail
