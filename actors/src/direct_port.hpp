// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An output with one edge on which nothing happens: records are written straight into the batch that
/// is sent. With several receivers they are dealt out in turn and control elements go to all; that is
/// all that rebalancing is.

#include "output_port.hpp"

namespace weir {

class direct_port final : public output_port {
public:
  /// See `make_output_port`.
  direct_port(std::vector<lane_target> targets, std::unique_ptr<batch_base> prototype,
              batch_limits limits, sender send);

  void grant(std::uint32_t lane, const credit& more, batch_handle spare) override;
  using output::emit;
  void emit(const control& what) override;
  void run_steps() override {}
  void flush() override;
  bool has_unsent() const noexcept override;
  event_time take_newest() noexcept override;
  std::uint64_t records() noexcept override {
    reconcile();
    return records_;
  }
  std::uint64_t sent() noexcept override { return drops_ ? 0 : records(); }
  const std::optional<step_failure>& failure() const noexcept override { return no_failure_; }
  std::vector<lane_target> targets() const override;

private:
  void turn_over() override;
  /// Takes what was put into the open batch off its lane's credit.
  void reconcile() noexcept;
  /// Makes lane `next`, or the first after it that has credit, the one that is written to.
  void open_lane(std::size_t next);
  void send(std::size_t number);
  void send_all();

  const std::optional<step_failure> no_failure_;
  sender send_;
  /// Nobody receives anything; there is one lane all the same.
  bool drops_;
  std::vector<lane> lanes_;
  std::size_t current_ = 0;
  /// What `records_left_` and `bytes_left_` were when they were last reconciled.
  credit shown_;
  /// Records that the current lane may still get in its turn.
  std::int64_t turn_left_ = lane_turn;
  event_time newest_;
  std::uint64_t records_ = 0;
};

} // namespace weir
