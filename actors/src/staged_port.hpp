// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An output with steps, keys or several edges. What is emitted goes into a staging batch of at most 64
/// records, no more than every edge has room for; then each edge runs its steps on it and puts what
/// comes out into its lanes. Records are copied for all edges but the last.

#include "edge_output.hpp"

namespace weir {

class staged_port final : public output_port {
public:
  /// See `make_output_port`; at least one edge.
  staged_port(const std::vector<edge_parts>& edges, std::unique_ptr<batch_base> prototype,
              batch_limits limits, sender send);

  void grant(std::uint32_t lane, const credit& more, batch_handle spare) override;
  using output::emit;
  /// First runs what is staged: a control element keeps its place on every way.
  void emit(const control& what) override;
  void run_steps() override;
  void flush() override;
  bool has_unsent() const noexcept override;
  event_time take_newest() noexcept override;
  std::uint64_t records() noexcept override { return records_ + staging_->records(); }
  std::uint64_t sent() noexcept override;
  const std::optional<step_failure>& failure() const noexcept override { return failure_; }
  std::vector<lane_target> targets() const override;

private:
  void turn_over() override;
  void send_all();
  /// Puts what is staged into every edge.
  void put_staged();
  std::optional<step_failure> put_into_edges();
  /// Sets anew how much may be staged.
  void open();

  batch_limits limits_;
  sender send_;
  std::vector<edge_output> edges_;
  std::unique_ptr<batch_base> staging_;
  std::unique_ptr<batch_base> copy_;
  std::optional<step_failure> failure_;
  event_time newest_;
  std::uint64_t records_ = 0;
};

} // namespace weir
