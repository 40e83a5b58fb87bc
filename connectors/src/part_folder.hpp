// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The folder that a series of parts lies in, and what is done there to one name. Any thread.

#include "part_names.hpp"

#include "weir/error.hpp"
#include "weir/file_system.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace weir::detail {

/// Where a series lies.
struct part_folder {
  std::shared_ptr<file_system> on;
  int fd = -1;
  /// For errors.
  std::string path;

  std::string path_of(std::string_view name) const { return path_in(path, name); }

  /// Of the name itself, be it a link's. Errors: `io`, also where there is nothing.
  expected<file_facts> about(const std::string& name) const;

  /// Also where there is nothing. Errors: `io`.
  expected<void> remove(const std::string& name) const;

  /// Has the folder's names written to the disk. Errors: `io`.
  expected<void> sync() const;
};

} // namespace weir::detail
