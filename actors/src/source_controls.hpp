// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The control elements that a source instance makes of its own accord: which watermark leaves, and when.
/// Deterministic: time comes from outside, and `next_due` says when it must be told of it again. Part of a
/// source's shell, on its thread. tests/actors/source_stage_test.cpp.

#include "output_port.hpp"

#include "weir/source_body.hpp"

namespace weir {

class source_controls {
public:
  /// Where the job has no use for dead letters, they are null. The outputs outlive this.
  source_controls(const watermark_strategy& how, output_port& records, output_port* dead_letters)
    : how_(how), records_(records), dead_letters_(dead_letters) {}

  /// The source has been asked for records.
  void after_poll(time_point now);

  /// Makes what is due by now.
  void tick(time_point now);

  /// Ends the stream on every output, behind what the records before still have to say.
  void end(time_point now);

  /// When `tick` must be called, if nothing happens before; `time_point::max()` = never.
  time_point next_due() const noexcept;

private:
  /// The watermark that the records so far stand for; `none()` where it is no news.
  event_time news() const noexcept;
  void make_watermark();
  void emit(const control& what);

  const watermark_strategy how_;
  output_port& records_;
  output_port* const dead_letters_;
  /// The greatest event time of all records.
  event_time newest_;
  event_time last_watermark_;
  /// No watermark before.
  time_point next_watermark_ = time_point::min();
};

} // namespace weir
