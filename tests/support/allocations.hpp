// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Counts allocations, for tests that say that there are none, or that nothing is kept, and lets
/// one fail. Its source file replaces the global operator new of the whole executable.

#include <cstddef>

namespace weir::testing {

/// Allocations by this thread so far.
std::size_t allocations() noexcept;

/// Bytes that this thread has allocated, less those that it has freed.
std::ptrdiff_t allocated_bytes() noexcept;

/// The most that `allocated_bytes` has been since the last call of this, or since the thread began.
std::ptrdiff_t most_allocated_bytes() noexcept;

/// This thread's allocation number `n` from now (1: the next) fails; 0: none will.
void fail_allocation(std::size_t n) noexcept;

/// Whether the allocation of the last `fail_allocation` has come.
bool allocation_has_failed() noexcept;

} // namespace weir::testing
