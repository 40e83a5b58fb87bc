// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A mixing function of 64 bits: for hashes that are written down and for chance that can be repeated
/// from a seed. Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. Pure; any
/// thread.

#include <cstdint>

namespace weir {

/// What a splitmix64 generator adds to its state at each step.
inline constexpr std::uint64_t splitmix64_step = 0x9E37'79B9'7F4A'7C15u;

/// The output of a splitmix64 generator whose state is `z`: a bijection without visible pattern.
constexpr std::uint64_t splitmix64(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58'476D'1CE4'E5B9u;
  z = (z ^ (z >> 27)) * 0x94D0'49BB'1331'11EBu;
  return z ^ (z >> 31);
}

} // namespace weir
