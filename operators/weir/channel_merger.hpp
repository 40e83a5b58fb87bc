// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Makes one stream's control elements out of those of several channels that come together: the
/// watermark is the least of the active channels, the stream is idle when all of them are, and it ends
/// when the last has ended. Deterministic, not thread-safe. tests/operators/channel_merger_test.cpp.

#include "weir/control.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

class channel_merger {
public:
  explicit channel_merger(std::size_t channels) : channels_(channels) {}

  /// Takes a control element of one channel and appends what follows from it to `out`. Barriers pass.
  void take(std::size_t channel, const control& what, std::vector<control>& out);

private:
  enum class phase : std::uint8_t { active, idle, ended };

  struct state {
    event_time watermark;
    phase is = phase::active;
  };

  /// Lets the merged watermark rise to the least of the active channels.
  void raise(std::vector<control>& out);
  /// The channel counts no more, or for now.
  void leave(std::size_t channel, phase is, std::vector<control>& out);

  std::vector<state> channels_;
  event_time watermark_;
  bool idle_ = false;
};

} // namespace weir
