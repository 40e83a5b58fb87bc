// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One receiver of an output as its sender sees it: the batch that is being filled for it, and the
/// credit that it has given. Part of an output port, on its stage's thread.
///
/// While something is under way a batch is begun only where credit is left for all of it. Else a small one, as a
/// barrier or a source that has little to give makes it, would come back as little credit, which would be a small
/// batch again, and so on for ever: the silly window of TCP (RFC 813), with a sender's remedy for it.

#include "weir/interfaces.hpp"

#include <algorithm>
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
  /// Control elements that an open batch without credit holds before borders are merged.
  static constexpr std::size_t controls_max = 1000;

  lane_target target;
  batch_limits limits;
  /// Changes by `grant` and `spend` alone.
  credit left{};
  std::shared_ptr<batch_base> open;
  std::vector<std::shared_ptr<batch_base>> spare;
  /// Whether a control element waits in `open` that must go even without credit.
  bool urgent = false;

  /// Records that were sent and not given back.
  std::int64_t under_way = 0;

  /// Whether the open batch may have more.
  bool has_credit() const noexcept {
    const bool any_will_do = open->records() > 0 || under_way == 0;
    return left.records >= (any_will_do ? 1 : static_cast<std::int64_t>(limits.records))
           && left.bytes >= (any_will_do ? 1 : static_cast<std::int64_t>(limits.bytes));
  }

  /// How much that is.
  credit room() const noexcept {
    if (!has_credit())
      return {};
    return {std::min(left.records, static_cast<std::int64_t>(limits.records)
                                     - static_cast<std::int64_t>(open->records())),
            std::min(left.bytes, static_cast<std::int64_t>(limits.bytes)
                                   - static_cast<std::int64_t>(open->bytes()))};
  }

  /// Whether the open batch has records and may have no more.
  bool is_full() const noexcept {
    return open->records() > 0
           && (open->records() >= limits.records || open->bytes() >= limits.bytes || !has_credit());
  }

  /// Whether there is something to send. A receiver without credit is not sent watermark after
  /// watermark: they wait for its next credit.
  bool is_sendable() const noexcept {
    return !open->empty() && (open->records() > 0 || urgent || has_credit());
  }

  /// The receiver has more room; `empty` is a batch to use again, or null. It is not kept where it has
  /// far more memory than a batch within the limits needs.
  void grant(const credit& more, std::shared_ptr<batch_base> empty);

  /// So much was put into the open batch.
  void spend(const credit& used) noexcept;

  /// Whether a control element goes into the open batch as it is, whatever credit there is.
  bool has_place_for(const control& what) const noexcept {
    return !what.is_border() || open->controls().size() < controls_max;
  }

  /// Puts a control element behind what is in the open batch.
  void append(const control& what);

  /// Opens another batch; gives the one that was open, for the receiver. Its records have been taken off
  /// the credit before.
  std::shared_ptr<batch_base> turn_over();
};

} // namespace weir
