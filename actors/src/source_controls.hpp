// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a source instance says of time: the event times that its records get, and which watermarks
/// and statuses leave, when and where among them. Stands between the source and its outputs where
/// it must. Deterministic: time comes from outside, and `next_due` says when it must be told of it
/// again. Part of a source's shell, on its thread. tests/actors/source_event_time_test.cpp.

#include "output_port.hpp"
#include "timed_output.hpp"

#include "weir/event_time_steps.hpp"
#include "weir/source_body.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

/// The time of a message: one reading of each clock.
struct message_time {
  time_point now;
  /// The system's time. Only where `source_controls::wants_wall_time()`.
  event_time wall;
};

class source_controls {
public:
  struct parts {
    watermark_strategy how;
    /// May be null.
    std::unique_ptr<event_time_reader> times;
    /// With `watermark_kind::generated`.
    std::unique_ptr<generator_body> generator;
  };

  /// The body and the outputs outlive this. Where the job has no use for dead letters, they are
  /// null.
  source_controls(parts with, const source_body& body, output_port& records,
                  output_port* dead_letters);

  source_controls(const source_controls&) = delete;
  source_controls& operator=(const source_controls&) = delete;

  bool wants_wall_time() const noexcept { return how_.kind == watermark_kind::ingestion; }

  /// Whether a record may be emitted now.
  bool has_room() const noexcept;

  /// The source is about to be asked for records: where it is to put them.
  source_outputs begin_poll(const message_time& at);

  /// The source has been asked. Nothing of what it gave is kept back.
  void end_poll();

  /// Makes what is due by now.
  void tick(const message_time& at);

  /// Whether the source must be asked now: it has been quiet for so long that the stream becomes
  /// idle, if it still has nothing.
  bool must_look(time_point now) const noexcept;

  /// Room may have come or gone, and the source, which has nothing to give, is not asked.
  void note_room(time_point now);

  /// Ends the stream on every output, behind the last watermark.
  void end(const message_time& at);

  // -- checkpoints --

  /// Lets a barrier leave on every output.
  /// `last`: see `control::barrier`.
  void pass_barrier(std::uint64_t checkpoint, bool last);

  /// What it has said by now; whether the stream has ended is for the stage to say.
  source_times said() const noexcept;

  /// It goes on where another one had said this. Before all else.
  void go_on_from(const source_times& said) noexcept;

  /// When `tick`, and `must_look`, must be called, if nothing happens before; `time_point::max()` =
  /// never.
  time_point next_due() const noexcept;

  /// Set where the user's function or generator has thrown: there is no room any more.
  const std::optional<step_failure>& failure() const noexcept { return failure_; }

private:
  /// Records that are staged, so that the user's code is called in a loop that knows its types.
  static constexpr std::int64_t chunk_max = 64;
  static constexpr time_point never = time_point::max();

  void set_time(const message_time& at) noexcept;
  /// Whether records must be seen one by one before they leave.
  bool stands_between() const noexcept;
  bool take_records(batch_base& of);
  bool take_dead_letters(batch_base& of);
  std::uint64_t given() noexcept;

  // -- watermarks --

  /// Whether there is one in each interval, whatever the source gives.
  bool is_periodic() const noexcept {
    return how_.kind == watermark_kind::ingestion || how_.kind == watermark_kind::generated;
  }
  /// The watermark that the records so far stand for.
  event_time bounded() const noexcept;
  void make_watermark();
  event_time ask_generator();
  /// One that goes back does not leave.
  bool emit_watermark(event_time at);

  // -- statuses --

  void watch_quiet(bool gave);
  void become_idle();
  void become_active();

  void emit(const control& what);

  const watermark_strategy how_;
  const std::unique_ptr<event_time_reader> reader_;
  const std::unique_ptr<generator_body> generator_;
  const source_body& body_;
  output_port& records_;
  output_port* const dead_letters_;
  /// Used only where `stands_between()`.
  timed_output timed_records_;
  std::optional<timed_output> timed_dead_letters_;

  time_point now_ = time_point::min();
  /// The system's time, but that it never goes back.
  event_time wall_;
  /// Records and dead letters before the source was asked.
  std::uint64_t given_before_ = 0;
  /// The greatest event time of all records.
  event_time newest_;
  event_time last_watermark_;
  /// No watermark before, but behind a record.
  time_point next_watermark_ = time_point::min();
  bool idle_ = false;
  /// Where it goes on, the stream had ended: it has nothing to say but that.
  bool had_ended_ = false;
  /// Since when there has been room and no record; `never`: there is no room, or nothing is known.
  time_point quiet_since_ = never;
  std::optional<step_failure> failure_;
  // -- used again for every chunk --
  std::vector<event_time> times_;
  std::vector<event_time> behind_;
};

} // namespace weir
