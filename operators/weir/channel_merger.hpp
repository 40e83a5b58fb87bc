// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Makes one stream's control elements out of those of several channels that come together: the
/// watermark is the least of the active channels, the stream is idle when all of them are, and it
/// ends when the last has ended. Deterministic, not thread-safe.
/// tests/operators/channel_merger_test.cpp.

#include "weir/control.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir {

/// What the channels of a stream have said of event time so far, and what was made of it. A plain
/// value.
struct channel_states {
  enum class phase : std::uint8_t { active, idle, ended };

  struct channel {
    event_time watermark{};
    phase is = phase::active;

    friend bool operator==(const channel&, const channel&) = default;
  };

  std::vector<channel> channels{};
  /// Of the stream that comes out.
  event_time watermark{};
  bool idle = false;

  friend bool operator==(const channel_states&, const channel_states&) = default;
};

class channel_merger {
public:
  explicit channel_merger(std::size_t channels) { states_.channels.resize(channels); }

  /// Goes on where another merger was.
  explicit channel_merger(channel_states from) : states_(std::move(from)) {}

  /// Takes a control element of one channel and appends what follows from it to `out`. Barriers
  /// pass.
  void take(std::size_t channel, const control& what, std::vector<control>& out);

  const channel_states& states() const noexcept { return states_; }

private:
  using phase = channel_states::phase;

  /// Lets the merged watermark rise to the least of the active channels.
  void raise(std::vector<control>& out);
  /// The channel counts no more, or for now.
  void leave(std::size_t channel, phase is, std::vector<control>& out);

  channel_states states_;
};

} // namespace weir
