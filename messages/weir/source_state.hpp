// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a source instance needs to go on from where another one was: where it stood in each of its
/// splits, and what it had said of event time. Plain values; any thread.

#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace weir {

/// Where one split of a source (a file, a share of a collection) stands.
struct split_position {
  static constexpr std::size_t position_bytes_max = 64 * 1024;

  /// The source's own number for it.
  std::uint32_t split = 0;
  /// The source's own text, which people may get to see; at most `position_bytes_max`.
  std::string position{};

  friend bool operator==(const split_position&, const split_position&) = default;
};

/// What a source had said to its stream, beside the records.
struct source_times {
  /// The greatest event time that it has seen.
  event_time newest{};
  /// The last watermark that has left it.
  event_time watermark{};
  bool idle = false;
  /// It had read all that there was, and its stream had ended: what came to be there afterwards is not
  /// the stream's. Not of one that was told to drain.
  bool ended = false;

  friend bool operator==(const source_times&, const source_times&) = default;
};

} // namespace weir
