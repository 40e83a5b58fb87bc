// SPDX-License-Identifier: Apache-2.0
#pragma once

// How a checkpoint is read, by who goes on from it and by who only wants to know whether that would
// go well: both refuse the same.

#include "weir/file_system.hpp"
#include "weir/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace weir::detail {

/// Of which job and run a checkpoint must be, by the folders that it lies in.
struct checkpoint_place {
  /// As `file_name_of` gives it.
  std::string job_folder;
  std::uint64_t run_number = 0;
};

/// The manifest in an open folder of a checkpoint. `path`: of the folder. Without a place any will do.
expected<manifest> read_manifest_at(const std::shared_ptr<file_system>& on, int folder,
                                    const std::string& path, std::uint64_t checkpoint,
                                    const std::optional<checkpoint_place>& place);

/// Is shown the bytes of an instance's state, piece by piece; one that has none is shown them as well.
using state_function
  = std::function<void(std::uint32_t instance, std::span<const std::byte> bytes)>;

/// Reads one of the manifest's files, instance by instance in ascending order. Nothing that was
/// shown may be believed after an error. `path`: of the folder.
expected<void> read_state_file(const std::shared_ptr<file_system>& on, int folder,
                               const std::string& path, const manifest& about,
                               const manifest_file& file, const state_function& show);

} // namespace weir::detail
