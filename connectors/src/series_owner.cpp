// SPDX-License-Identifier: Apache-2.0

#include "series_owner.hpp"

#include <cerrno>
#include <cstddef>
#include <fcntl.h>
#include <mutex>

namespace weir::detail {

namespace {

constexpr std::size_t owner_bytes_max = 64;

error not_noted(const part_folder& in, const part_names& names, const std::string& mark,
                const std::string& how) {
  return {error_kind::incompatible, in.path,
          how + "; put back what this run had there, or begin it anew (fresh) in a folder of its own. If it is "
                "all there, write " + mark + " into " + in.path_of(owner_name(names))};
}

} // namespace

expected<void> check_owner(const part_folder& in, const part_names& names, const std::string& mark) {
  const auto name = owner_name(names);
  const auto [file, code] = open_file(in.on, in.fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (code == ENOENT)
    return not_noted(in, names, mark, "has no note (" + name + ") that it holds the output of this run");
  std::string text;
  const int failed = file ? read_all(*in.on, file.get(), owner_bytes_max, text) : code;
  if (failed != 0 && failed != EFBIG)
    return io_error(in.path_of(name), "cannot be read", failed);
  if (text.substr(0, text.find('\n')) != mark)
    return not_noted(in, names, mark, "is of another run by now, which is noted in " + name);
  return {};
}

expected<void> check_owner(const std::shared_ptr<file_system>& on, const std::string& path,
                           const part_names& names, const std::string& mark) {
  const auto opened = open_file(on, AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
  const part_folder folder{on, opened.fd.get(), path};
  if (opened.code == ENOENT)
    return not_noted(folder, names, mark, "is not there any more");
  return opened.fd ? check_owner(folder, names, mark) : io_error(path, "cannot be opened", opened.code);
}

/// Under a name of its own first, so that there is never half of it. Also where it is there already: it must be
/// on the disk before anything is removed, and who has written it may have died in between.
expected<void> note_owner(const part_folder& in, const part_names& names, const std::string& mark) {
  if (mark.empty())
    return {};
  const auto name = owner_name(names);
  const auto unfinished = name + ".tmp";
  // Stages with this stem may begin at the same time.
  static std::mutex one_at_a_time;
  const std::lock_guard guard{one_at_a_time};
  if (auto ok = in.remove(unfinished); !ok)
    return ok;
  auto [file, code] = open_file(in.on, in.fd, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW);
  std::size_t written = 0;
  int failed = file ? write_all(*in.on, file.get(), mark + "\n", written) : code;
  if (failed == 0)
    failed = in.on->sync(file.get());
  if (file && failed == 0)
    failed = file.close();
  if (failed == 0)
    failed = in.on->rename(in.fd, unfinished.c_str(), in.fd, name.c_str(), /*replace=*/true);
  if (failed != 0)
    return io_error(in.path_of(name), "cannot be written", failed);
  return in.sync();
}

} // namespace weir::detail
