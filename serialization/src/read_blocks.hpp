// SPDX-License-Identifier: Apache-2.0
#pragma once

// A block file that is read without being held.

#include "weir/block_file.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace weir::detail {

/// Is shown a block's payload and the number of its section. An error ends the reading, and is its
/// result.
using block_function
  = std::function<expected<void>(std::uint32_t section, std::span<const std::byte> payload)>;

/// As `block_file::read`, block by block in the order of the file, in 1 MiB of memory whatever the
/// file's size. A block has been checked when it is shown, the file only when this returns: nothing
/// that was shown may be believed after an error.
expected<void> read_blocks(const std::shared_ptr<file_system>& on, int folder,
                           const std::string& name, const std::string& path,
                           const block_file_header& header, const block_file_sums& sums,
                           const block_function& show);

} // namespace weir::detail
