// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One receiver of an output as its sender sees it: the batch that is being filled for it, and the
/// credit that it has given. Part of an output port, on its stage's thread.

#include "weir/interfaces.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace weir {

/// Where a lane leads.
struct lane_target {
  batch_receiver to;
  channel_id channel;
  /// Which of the receiving stage's inputs this is; see `origin::of_input`.
  std::uint32_t input = 0;
};

/// Records that one lane gets before the next has its turn.
inline constexpr std::int64_t lane_turn = 64;

/// Whether one record's results have made a batch so large that its memory is not worth keeping.
inline bool is_oversized(const batch_base& of, const batch_limits& limits) noexcept {
  return of.reserved() > 8 * limits.records + 1024;
}

struct lane {
  lane_target target;
  credit left;
  std::shared_ptr<batch_base> open;
  std::vector<std::shared_ptr<batch_base>> spare;
  /// Whether a control element waits in `open` that must go even without credit.
  bool urgent = false;

  bool has_credit() const noexcept { return left.records > 0 && left.bytes > 0; }

  /// Whether there is something to send. A receiver without credit is not sent watermark after
  /// watermark: they wait for its next credit.
  bool is_sendable() const noexcept {
    return !open->empty() && (open->records() > 0 || urgent || has_credit());
  }

  /// The receiver has more room; `empty` is a batch to use again, or null. It is not kept where it has
  /// far more memory than a batch within `limits` needs.
  void grant(const credit& more, std::shared_ptr<batch_base> empty, const batch_limits& limits);

  /// Puts a control element behind what is in the open batch.
  void append(const control& what);

  /// Opens another batch; gives the one that was open, for the receiver. Its records have been taken off
  /// the credit before.
  std::shared_ptr<batch_base> turn_over();
};

} // namespace weir
