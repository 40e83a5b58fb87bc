// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What has become of a run's records that no stage of the job counts any more. A checkpoint says it among the
/// counters of its first instance, whichever that is; weir that does not know these names passes them over. Plain
/// values; any thread. tests/serialization/rescale_test.cpp.

#include <cstdint>

namespace weir {

struct manifest;

struct gone_counts {
  /// Records that operators held when their state was let go (`run_options::drop_state`).
  std::uint64_t let_go = 0;
  /// Records of operators that are no longer in the job: dropped, and gone as dead letters.
  std::uint64_t dropped = 0;
  std::uint64_t dead_letters = 0;

  friend bool operator==(const gone_counts&, const gone_counts&) = default;
};

/// What a checkpoint says of it.
gone_counts gone_in(const manifest& of);

/// Counts of 0 are not written.
void write_gone(manifest& to, const gone_counts& what);

} // namespace weir
