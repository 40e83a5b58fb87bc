// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One output of a stage instance: an open batch and the credit for each receiver (a lane). With
/// several receivers the records are dealt out in turn and control elements go to all; that is all
/// that rebalancing is. Part of a stage's shell, on its thread.

#include "weir/interfaces.hpp"
#include "weir/output.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace weir {

/// Where a lane leads.
struct lane_target {
  batch_receiver to;
  channel_id channel;
};

class output_port final : public output {
public:
  /// Sends a batch to a receiver, in the stage's name.
  using sender = std::function<void(const lane_target&, batch_handle)>;

  /// `prototype` is an empty batch of the output's type. No targets: all that is emitted is dropped,
  /// and there is always room.
  output_port(std::vector<lane_target> targets, std::unique_ptr<batch_base> prototype,
              batch_limits limits, sender send);

  /// The receiver at `lane` has more room; `spare` may be null.
  void grant(std::uint32_t lane, const credit& more, batch_handle spare);

  using output::emit;
  void emit(const control& what) override;

  /// Sends what is in the open batches.
  void flush();

  /// Whether `flush` has something to send.
  bool has_unsent() const noexcept;

  /// The greatest event time emitted since this was last asked; `none()` where there was none.
  event_time take_newest() noexcept;

  /// Records that have been emitted since it was made.
  std::uint64_t records() noexcept {
    reconcile();
    return records_;
  }

  const std::vector<lane_target>& targets() const noexcept { return targets_; }

private:
  /// Records that one lane gets before the next has its turn.
  static constexpr std::int64_t turn_length = 64;
  /// Empty batches that a lane keeps; a receiver that stood still gives back many small ones at once.
  static constexpr std::size_t spares_max = 8;
  /// Control elements that an open batch without credit holds before watermarks are merged.
  static constexpr std::size_t controls_max = 1000;

  struct lane {
    credit left;
    std::shared_ptr<batch_base> open;
    std::vector<std::shared_ptr<batch_base>> spare;
    /// Whether a control element waits in `open` that must go even without credit.
    bool urgent = false;
  };

  void turn_over() override;
  /// Takes what was put into the open batch off its lane's credit.
  void reconcile() noexcept;
  /// Makes lane `next`, or the first after it that has credit, the one that is written to.
  void open_lane(std::size_t next);
  void send(std::size_t number);
  static bool has_credit(const lane& of) noexcept {
    return of.left.records > 0 && of.left.bytes > 0;
  }
  /// A receiver without credit is not sent watermark after watermark: they wait for its next credit.
  static bool is_sendable(const lane& of) noexcept {
    return !of.open->empty() && (of.open->records() > 0 || of.urgent || has_credit(of));
  }

  std::vector<lane_target> targets_;
  batch_limits limits_;
  sender send_;
  std::vector<lane> lanes_;
  std::size_t current_ = 0;
  /// What `records_left_` and `bytes_left_` were when they were last reconciled.
  credit shown_;
  /// Records that the current lane may still get in its turn.
  std::int64_t turn_left_ = turn_length;
  event_time newest_;
  std::uint64_t records_ = 0;
};

} // namespace weir
