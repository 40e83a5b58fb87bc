// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs one source instance: reads while its receivers have given credit, and has one timer for
/// what its `source_controls` say next. At a checkpoint it says where it stands, and lets the
/// barrier leave, in whichever state it is: also behind its end. Touched only by its own messages;
/// CAF destroys it when the actor quits.

#include "instance.hpp"
#include "saved_instance.hpp"
#include "source_controls.hpp"
#include "wake_ups.hpp"

#include "weir/probes.hpp"
#include "weir/source_body.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

struct source_parts {
  instance_parts instance;
  std::unique_ptr<source_body> body;
  source_controls::parts controls;
  /// The system's time, for ingestion time.
  wall_clock read_wall_clock;
  std::shared_ptr<source_probe> probe;
  /// Gets its state at each checkpoint. Null: the job makes none.
  coordinator_actor coordinator;
  /// What it goes on from; null: it begins.
  std::shared_ptr<const instance_summary> restored;
};

class source_stage_state {
public:
  using self_pointer = stage_pointer<source_actor, source_stage_state>;

  explicit source_stage_state(self_pointer self) : self_(self) {}
  ~source_stage_state();

  source_actor::behavior_type make_behavior(std::shared_ptr<source_parts> parts);

  static inline const char* name = "weir.source";

private:
  enum class phase : std::uint8_t {
    closed,
    open,
    running,
    waiting,
    /// It reads no more, and could not yet say where it stands.
    resting,
    ended,
  };

  /// What its probe counts, by those that it goes on from.
  struct counts {
    std::uint64_t records_out = 0;
    std::uint64_t sent = 0;
    std::uint64_t skipped = 0;
    std::uint64_t dead_letters = 0;
  };

  // -- message handlers, in the interface's order --
  void on_open();
  void on_run();
  void on_credit(lane_id lane, const credit& more, batch_handle spare);
  void on_flush();
  void on_fd_ready();
  void on_wake_up(const wake_up& armed);
  void on_drain();
  void on_checkpoint(const checkpoint_request& what);

  void go_on_from(const instance_summary& of);
  expected<std::shared_ptr<saved_instance>> save();
  /// Where the body stands; the last place where it stood, once it reads no more.
  expected<std::vector<split_position>> positions();
  /// Reads no more: the body is closed as soon as it has said where it stands.
  void rest();
  void read();
  void wait_for(const fd_wait& what);
  /// What follows a message: the timer is armed.
  void after(time_point now);
  /// Ends the stream; `why`: `finished` or `cut_short`.
  void end(stage_event why);
  void close() noexcept;
  void fail(error why, std::string record = {});
  /// Whether the source may go on: no step has failed.
  bool send_ready();
  /// Whether a function of the user's has failed, on an edge or in the controls; then so does the
  /// stage.
  bool steps_have_failed();
  message_time time() const;
  /// Whether the body may be asked.
  bool is_open() const noexcept { return phase_ != phase::closed && phase_ != phase::ended; }
  bool is_reading() const noexcept { return phase_ == phase::running || phase_ == phase::waiting; }

  self_pointer self_;
  std::shared_ptr<source_parts> parts_;
  std::unique_ptr<output_port> results_;
  /// Null where the job has no use for dead letters.
  std::unique_ptr<output_port> dead_letters_;
  std::optional<source_controls> controls_;
  wake_ups wake_ups_;
  /// A descriptor that is waited for.
  std::optional<fd_wait> awaited_;
  counts before_;
  /// Of a body that was closed without a failure.
  std::optional<std::vector<split_position>> last_positions_;
  /// Its receivers know it: what it sends reaches them.
  bool is_attached_ = false;
  /// The stream has ended, or had where this goes on, since there was nothing more to read.
  bool has_read_all_ = false;
  phase phase_ = phase::closed;
  /// A flush message to itself is under way.
  bool flushing_ = false;
};

source_actor::behavior_type source_stage(source_stage_state::self_pointer self,
                                         std::shared_ptr<source_parts> parts);

} // namespace weir
