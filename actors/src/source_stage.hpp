// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs one source instance: reads while its receivers have given credit, and carries what its controls
/// say to the world (receivers, one timer). Touched only by its own messages; CAF destroys it when the actor quits.

#include "instance.hpp"
#include "source_controls.hpp"
#include "wake_ups.hpp"

#include "weir/probes.hpp"
#include "weir/source_body.hpp"

#include <memory>
#include <optional>

namespace weir {

struct source_parts {
  instance_parts instance;
  std::unique_ptr<source_body> body;
  watermark_strategy watermarks;
  std::shared_ptr<source_probe> probe;
};

class source_stage_state {
public:
  using self_pointer = source_actor::stateful_pointer<source_stage_state>;

  explicit source_stage_state(self_pointer self) : self_(self) {}
  ~source_stage_state();

  source_actor::behavior_type make_behavior(std::shared_ptr<source_parts> parts);

  static inline const char* name = "weir.source";

private:
  enum class phase : std::uint8_t { closed, open, running, waiting, ended };

  // -- message handlers, in the interface's order --
  void on_open();
  void on_run();
  void on_credit(lane_id lane, const credit& more, batch_handle spare);
  void on_flush();
  void on_fd_ready();
  void on_wake_up(const wake_up& armed);
  void on_drain();

  void read();
  /// Arms the timer for what is due next.
  void arm(time_point now);
  /// Ends the stream; `why`: `finished` or `cut_short`.
  void end(stage_event why);
  void close() noexcept;
  void fail(error why, std::string record = {});
  /// Whether the source may go on: no step has failed.
  bool send_ready();
  /// Whether a step on an edge has failed; then so does the stage.
  bool steps_have_failed();
  time_point now() const;
  /// Whether the body may be asked.
  bool is_open() const noexcept { return phase_ != phase::closed && phase_ != phase::ended; }

  self_pointer self_;
  std::shared_ptr<source_parts> parts_;
  std::unique_ptr<output_port> results_;
  /// Null where the job has no use for dead letters.
  std::unique_ptr<output_port> dead_letters_;
  std::optional<source_controls> controls_;
  wake_ups wake_ups_;
  phase phase_ = phase::closed;
  /// A flush message to itself is under way.
  bool flushing_ = false;
};

source_actor::behavior_type source_stage(source_stage_state::self_pointer self,
                                         std::shared_ptr<source_parts> parts);

} // namespace weir
