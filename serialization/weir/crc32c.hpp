// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The checksum by which checkpoints notice that bytes are not those which were written: CRC-32C
/// (Castagnoli), as in iSCSI, RFC 3720. It finds every change of up to 32 neighbouring bits, and
/// others but for one in 2^32; it is no defence against somebody who means harm. By the processor's
/// own instruction where it has one (x86 with SSE 4.2), else by tables; the sums are the same. Pure
/// functions; any thread. tests/serialization/crc32c_test.cpp.

#include <cstddef>
#include <cstdint>

namespace weir {

/// The sum of `size` bytes at `data`, which may be null where there are none. `before`: the sum of
/// the bytes in front of them, so that a sum can be taken piece by piece; 0 where these are the
/// first.
std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t before = 0) noexcept;

namespace detail {

/// The two ways, for their tests and `crc32c` alone.
std::uint32_t crc32c_by_tables(const void* data, std::size_t size, std::uint32_t before) noexcept;

/// Whether this processor has the instruction.
bool has_crc32c_instruction() noexcept;

/// Only where `has_crc32c_instruction()`.
std::uint32_t crc32c_by_instruction(const void* data, std::size_t size,
                                    std::uint32_t before) noexcept;

} // namespace detail

} // namespace weir
