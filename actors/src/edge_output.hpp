// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One edge of an output, from the records that were emitted to the lanes of its receivers: runs the
/// steps, then gives the results to one lane (its own, or each in turn) or deals them by key. Part of a
/// `staged_port`.

#include "output_port.hpp"

namespace weir {

class edge_output {
public:
  /// `prototype`: an empty batch of what is emitted.
  edge_output(const edge_parts& parts, const batch_base& prototype, batch_limits limits);

  /// How many emitted records the lanes have room for: 0, or up to `chunk_max`. Their number is sure; their
  /// bytes are what those before them became, so results that grow all at once overdraw the bytes by the
  /// chunk in which they do. Where records have their turns, it is the room of the lane that `put` will
  /// give them to.
  std::int64_t room();

  /// Takes records in, at most `room()`, and sends lanes that are full. `in` is then to be cleared.
  std::optional<step_failure> put(batch_base& in, const output_port::sender& send);

  void append(const control& what);
  void flush(const output_port::sender& send);
  bool has_unsent() const noexcept;

  std::vector<lane>& lanes() noexcept { return lanes_; }
  const std::vector<lane>& lanes() const noexcept { return lanes_; }

  /// Records that have come to its lanes.
  std::uint64_t sent() const noexcept { return sent_; }

private:
  /// Most records that are emitted before the steps run on them.
  static constexpr std::int64_t chunk_max = 64;

  /// Makes the lane whose turn it is, or the first behind it that has credit, the current one.
  void choose_lane();
  std::int64_t room_of(const lane& of) const;
  std::optional<step_failure> run_steps(batch_base& in);
  std::optional<step_failure> deal(batch_base& in);
  /// Which of the steps, counted from 0 and with the reading of keys as the last, `failed` is of.
  step_failure at_step(std::size_t number, step_failure failed) const;
  /// Takes what was put into a lane since `before` off its credit.
  credit take_off(lane& of, const credit& before);
  void send_full(lane& of, const output_port::sender& send);
  static credit size_of(const batch_base& of) noexcept {
    return {static_cast<std::int64_t>(of.records()), static_cast<std::int64_t>(of.bytes())};
  }

  batch_limits limits_;
  /// Where it leads, if there are other edges.
  std::string to_;
  std::vector<std::unique_ptr<edge_step>> steps_;
  std::unique_ptr<key_reader> keys_;
  bool multiplies_ = false;
  /// What comes out of each step, but of the last where that writes into a lane.
  std::vector<std::unique_ptr<batch_base>> between_;
  std::vector<lane> lanes_;
  std::size_t current_ = 0;
  /// Records that the current lane may still get in its turn.
  std::int64_t turn_left_ = lane_turn;
  /// Most records of the next chunk: few, until it is known what they become.
  std::int64_t chunk_ = 1;
  /// What one record that comes out is thought to hold, at least 1. Small ones make it smaller slowly:
  /// great ones may be back soon.
  std::int64_t bytes_a_record_ = 1;
  std::uint64_t sent_ = 0;
  // -- used again for every chunk --
  std::vector<key_hash> read_;
  std::vector<batch_base*> open_;
  std::vector<credit> before_;
};

} // namespace weir
