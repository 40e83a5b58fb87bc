// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Counts allocations, for tests that say that there are none. Its source file replaces the global
/// operator new of the whole executable.

#include <cstddef>

namespace weir::testing {

/// Allocations by this thread so far.
std::size_t allocations() noexcept;

} // namespace weir::testing
