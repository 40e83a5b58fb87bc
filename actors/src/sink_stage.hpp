// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs one sink instance: writes what comes in, and completes its output in two phases, so that it
/// becomes visible only when every sink of the job is prepared. Touched only by its own messages; CAF
/// destroys it when the actor quits.

#include "input_gate.hpp"
#include "instance.hpp"

#include "weir/probes.hpp"
#include "weir/sink_body.hpp"

#include <memory>
#include <optional>

namespace weir {

struct sink_parts {
  instance_parts instance;
  std::unique_ptr<sink_body> body;
  std::shared_ptr<sink_probe> probe;
};

class sink_stage_state {
public:
  using self_pointer = stage_pointer<sink_actor, sink_stage_state>;

  explicit sink_stage_state(self_pointer self) : self_(self) {}
  ~sink_stage_state();

  sink_actor::behavior_type make_behavior(std::shared_ptr<sink_parts> parts);

  static inline const char* name = "weir.sink";

private:
  enum class phase : std::uint8_t { closed, writing, preparing, prepared, committed, failed };

  /// That of a job without checkpoints.
  static constexpr std::uint64_t only_checkpoint = 1;

  // -- message handlers, in the interface's order --
  void on_open();
  void on_stop(const stop_request& how);
  void on_batch(channel_id channel, batch_handle in);
  void on_flush();
  void on_fd_ready();
  void on_prepare();
  void on_commit(const commit_request& what);

  /// Writes what waits, then prepares if the end has come.
  void write();
  /// Writes records of the front batch up to the next control element. Whether to go on.
  bool write_records(batch_base& in, batch_cursor& at);
  void flush();
  /// Goes on when the mailbox has had its turn.
  void flush_soon();
  void prepare();
  /// Puts what was prepared on the disk; where nobody else does.
  expected<void> make_durable();
  void abandon(bool keep_partial) noexcept;
  /// Whether a call into the body is done; else the stage waits for it or has failed.
  bool settled(const expected<poll_result>& of);
  /// Sends itself `message` when the descriptor is ready.
  template <class Message>
  void wait_for(const fd_wait& what, const Message& message);
  void fail(error why);

  self_pointer self_;
  std::shared_ptr<sink_parts> parts_;
  std::optional<input_gate> input_;
  phase phase_ = phase::closed;
  bool waiting_ = false;
  bool flushing_ = false;
  std::uint64_t records_ = 0;
};

sink_actor::behavior_type sink_stage(sink_stage_state::self_pointer self,
                                     std::shared_ptr<sink_parts> parts);

} // namespace weir
