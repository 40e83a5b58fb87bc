// SPDX-License-Identifier: Apache-2.0
#pragma once

/// When connections to a store are made, and how long what was not sent waits for one: the place where outages and
/// back-off are decided, for every driver that has connections. Deterministic: time is told, chance comes
/// from a seed, nothing is connected here. Not thread-safe; the driver that owns it has a lock or a thread of its own.
/// Shown by tests/clients/endpoint_gate_test.cpp.
///
/// * While no connection is up, one is dialled at a time: a store that comes back is not met by all at once. The
///   wait before each try is drawn from a range that doubles from try to try (exponential back-off with full jitter).
///   It begins anew only when a question has been answered: stores that are full accept a connection and then close it.
/// * A question that was not sent waits for a connection, at most `refuse_after` from when it was asked, or from when the
///   last connection was lost; then it ends with what the last try said. So a short outage costs no attempts of
///   records, and a long one is known soon.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir {

class endpoint_gate {
public:
  struct settings {
    /// The wait before the second try is at most this, before the third twice as long, ...
    duration initial = std::chrono::milliseconds{50};
    /// ... and never longer than this. Less than `refuse_after`, so that a question hears of a try that was made after it
    /// was asked.
    duration max = std::chrono::milliseconds{800};
    /// Nor is it shorter than this.
    duration least = std::chrono::milliseconds{10};
    duration refuse_after = std::chrono::seconds{1};
    /// The same seed draws the same waits.
    std::uint64_t seed = 1;
  };

  /// All are down, and the first may be dialled at once.
  endpoint_gate(const settings& how, std::size_t connections, time_point now);

  /// The connection that is to be dialled now; from here on it is being dialled, until `connected` or `failed` is told.
  std::optional<std::size_t> next_to_dial(time_point now);

  void connected(std::size_t connection);
  /// The try has failed.
  void failed(std::size_t connection, error why, time_point now);
  /// A connection that was up is no more.
  void lost(std::size_t connection, error why, time_point now);
  /// The store has answered a question.
  void answered() noexcept { tries_ = 0; }

  std::size_t up() const noexcept { return up_; }

  /// Why a question that was asked then and not sent ends now; null: it waits.
  const error* refuses(time_point asked, time_point now) const noexcept;

  /// When something changes by itself: a connection is to be dialled, a question ends. `asked`: when the oldest question
  /// that waits was asked, where one does. `time_point::max()`: nothing does.
  time_point next_due(std::optional<time_point> asked) const noexcept;

private:
  enum class state : std::uint8_t { down, dialled, up };

  void wait_before_next_try(time_point now);
  bool may_dial() const noexcept;

  const settings how_;
  std::uint64_t random_;
  std::vector<state> states_;
  std::size_t up_ = 0;
  std::size_t dialled_ = 0;
  /// Since a question was last answered.
  unsigned tries_ = 0;
  time_point dial_at_;
  /// Since when none is up.
  time_point down_since_;
  /// What the last try said, or the loss of the last connection.
  std::optional<error> why_down_;
};

} // namespace weir
