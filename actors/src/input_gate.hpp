// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The input of a stage instance: the batches that have come in and wait, in the order of their coming,
/// bounded by the credit that was given to each channel. Several channels are merged here: their control
/// elements become those of one stream. Part of a stage's shell, on its thread.

#include "weir/channel_merger.hpp"
#include "weir/interfaces.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace weir {

class input_gate {
public:
  /// Gives credit, and an empty batch back, to the sender at `lane`; in the stage's name.
  using granter
    = std::function<void(const credit_receiver&, lane_id, const credit&, batch_handle)>;

  input_gate(std::size_t channels, batch_limits limits, granter grant);

  /// The sender of a channel has introduced itself; it gets its first credit.
  void attach(channel_id channel, lane_id lane, credit_receiver sender);

  /// A batch has come in.
  void receive(channel_id channel, batch_handle batch);

  bool empty() const noexcept { return waiting_.empty(); }

  /// The batch to take elements from, and how far that has got. Only where not empty.
  batch_base& front() noexcept { return *waiting_.front().batch; }
  batch_cursor& cursor() noexcept { return cursor_; }

  /// All elements of `front()` have been taken: its room is the sender's again.
  void pop();

private:
  /// Batches under way and waiting, a channel.
  static constexpr std::int64_t window = 4;

  struct arrival {
    std::uint32_t channel;
    std::shared_ptr<batch_base> batch;
  };
  struct sender {
    credit_receiver actor;
    lane_id lane;
  };

  void merge_controls(std::uint32_t channel, batch_base& of);

  batch_limits limits_;
  granter grant_;
  std::vector<sender> senders_;
  std::deque<arrival> waiting_;
  batch_cursor cursor_;
  channel_merger merger_;
};

} // namespace weir
