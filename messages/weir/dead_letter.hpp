// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A record that a stage gives up on without failing the job, with what is known about why. Plain
/// values; any thread.

#include "weir/error.hpp"
#include "weir/held_bytes.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

/// A record that failed for good, and how. It keeps the record's event time and origin, which travel
/// beside it in the batch.
template <class T>
struct dead_letter {
  T value;
  error why;
  /// Calls that were made for it; one that was repeated after a restore counts once. 0 = never called.
  std::uint32_t attempts = 0;
  /// How long the last (at most four) attempts took, oldest first.
  std::vector<duration> durations;

  friend std::size_t held_bytes(const dead_letter& x) {
    return sizeof(x) - sizeof(T) + value_bytes(x.value) + x.why.message().size();
  }
};

} // namespace weir
