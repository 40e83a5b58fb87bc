// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Counts allocations, for tests that say that there are none, or that nothing is kept. Its source file
/// replaces the global operator new of the whole executable.

#include <cstddef>

namespace weir::testing {

/// Allocations by this thread so far.
std::size_t allocations() noexcept;

/// Bytes that this thread has allocated, less those that it has freed.
std::ptrdiff_t allocated_bytes() noexcept;

} // namespace weir::testing
