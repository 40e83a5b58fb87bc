// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The input of a stage instance: the batches that have come in and wait, in the order of their coming,
/// bounded by the credit that was given to each channel. Several channels are merged here: their control
/// elements become those of one stream, and their barriers are aligned. Part of a stage's shell, on its
/// thread.
///
/// A barrier does not wait behind what waits: it is reached when it has come on every channel that has not
/// ended. What stands behind the barrier of a channel is not taken before that; what stands in front of
/// it and was not taken belongs to the checkpoint. Since an ended channel is not waited for, its barrier may come
/// when that of the others has been passed: it is dropped, so that each checkpoint is reached once.
/// tests/actors/input_gate_test.cpp.

#include "weir/channel_merger.hpp"
#include "weir/entry_codec.hpp"
#include "weir/interfaces.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
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

  /// A batch has come in. A barrier in it is its last element.
  void receive(channel_id channel, batch_handle batch);

  bool empty() const noexcept { return next_arrival() == waiting_.size(); }

  /// The batch to take elements from, and how far that has got. Only where not empty.
  batch_base& front();
  batch_cursor& cursor() noexcept { return waiting_[next_arrival()].taken; }

  /// All elements of `front()` have been taken: its room is the sender's again.
  void pop();

  // -- checkpoints --

  /// The checkpoint whose barrier has been reached, if any. What stands in front of it is taken before
  /// all else from now on.
  std::optional<std::uint64_t> reached_barrier();

  /// With `reached_barrier`: nothing is to be done behind it.
  bool is_last_barrier() const noexcept { return reached_.has_value() && reached_ == last_; }

  /// Writes what stands in front of the barrier that has been reached, merged.
  void save_waiting(stored_entry_writer& to) const;

  /// What the channels have said in front of it.
  const channel_states& said() const noexcept { return merger_.states(); }

  /// With `reached_barrier`: nothing stands in front of it any more.
  bool is_front_taken() const noexcept { return in_front_ == 0; }

  /// The barrier has been handled: what stands behind it may be taken.
  void pass_barrier();

  /// Takes up what a checkpoint holds; before all else. `said` is of as many channels as there are.
  void restore(std::shared_ptr<batch_base> waiting, channel_states said);

private:
  /// Batches under way and waiting, a channel.
  static constexpr std::int64_t window = 4;
  /// Stands for the channel of what a checkpoint gave back.
  static constexpr std::uint32_t no_channel = UINT32_MAX;

  struct arrival {
    std::uint32_t channel = no_channel;
    std::shared_ptr<batch_base> batch;
    batch_cursor taken;
    /// Its control elements are those of the merged stream.
    bool merged = false;
    /// The barrier that follows on its elements and was not passed.
    std::optional<std::uint64_t> barrier{};
  };

  struct channel {
    credit_receiver sender;
    lane_id lane;
    /// Those that have come and were not passed.
    std::deque<std::uint64_t> barriers;
    /// All in front of the first of them has been taken.
    bool blocked = false;
    bool ended = false;
  };

  /// The place in `waiting_` of the arrival that is next to be taken; its size where there is none.
  std::size_t next_arrival() const noexcept;
  void take_barrier_off(channel& of, arrival& in);
  void merge_controls(arrival& of);
  /// In a job that was given other instances a sender may be behind what the stage goes by.
  void leave_out_what_was_said(batch_base& of) const;
  /// The newest checkpoint for which a barrier is the first on its channel, where all have one.
  std::optional<std::uint64_t> newest_first_barrier() const;
  /// Barriers of older checkpoints, which cannot be reached any more.
  void drop_barriers_before(std::uint64_t checkpoint);
  void drop_first_barrier(std::uint32_t channel);
  /// Puts what stands in front of the barriers first, and counts it.
  void put_front_first();

  batch_limits limits_;
  granter grant_;
  std::vector<channel> channels_;
  std::deque<arrival> waiting_;
  channel_merger merger_;
  /// The watermark that the stage went on from.
  event_time restored_ = event_time::none();
  /// What follows from one control element; keeps its memory.
  std::vector<control> follows_;
  /// Barriers that have come and were not passed.
  std::size_t barriers_ = 0;
  std::optional<std::uint64_t> reached_;
  /// The checkpoint of which a barrier has said that it is the job's last.
  std::optional<std::uint64_t> last_;
  /// The last checkpoint whose barrier was passed.
  std::optional<std::uint64_t> passed_;
  /// With `reached_`: arrivals that stand in front of it.
  std::size_t in_front_ = 0;
};

} // namespace weir
