// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How often this process has asked for memory: every operator new of a program that links counted_allocations.cpp is
/// counted, those in shared libraries (CAF, the standard library) too. For programs in which one thread allocates.

#include <cstdint>

namespace bench {

std::uint64_t allocations() noexcept;

} // namespace bench
