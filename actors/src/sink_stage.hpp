// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs one sink instance: writes what comes in, and completes its output in two phases. Without
/// checkpoints it does so once, at the end, and the output becomes visible only when every sink of the job
/// is prepared. With them it prepares at each barrier what stands in front of it, before it writes anything
/// that stands behind, and shows it when it is told that the checkpoint is complete, whatever it is at
/// then. Touched only by its own messages; CAF destroys it when the actor quits.

#include "input_gate.hpp"
#include "instance.hpp"
#include "saved_instance.hpp"

#include "weir/probes.hpp"
#include "weir/sink_body.hpp"

#include <memory>
#include <optional>

namespace weir {

struct sink_parts {
  instance_parts instance;
  std::unique_ptr<sink_body> body;
  std::shared_ptr<sink_probe> probe;
  /// Where there are checkpoints: who is told what is pending.
  coordinator_actor coordinator{};
  /// What it goes on from; null: it begins.
  std::shared_ptr<const instance_summary> restored{};
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
  void on_recover(const recover_request& what);
  void on_commit(const commit_request& what);

  /// Whether there is anything to write or to prepare.
  bool has_input();
  /// Writes what waits, and prepares where a barrier or the end has been reached.
  void write();
  /// Writes records of the front batch up to the next control element, and takes that. Whether to go on.
  bool write_front();
  bool write_records(batch_base& in, batch_cursor& at);
  void take(const control& what);
  void flush();
  /// Goes on when the mailbox has had its turn.
  void flush_soon();

  // -- at a barrier --

  /// Ends the output of a checkpoint and tells the coordinator. Whether it is done.
  bool answer(std::uint64_t checkpoint);
  expected<std::shared_ptr<saved_instance>> save();

  // -- at the end, where there are no checkpoints --

  void prepare_end();
  /// Puts what was prepared on the disk; where nobody else does.
  expected<void> make_durable();

  /// It is visible up to this checkpoint.
  void committed(std::uint64_t checkpoint);
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
  // With checkpoints: the end has been taken.
  bool ended_ = false;
  // The checkpoint that was prepared behind the end.
  std::optional<std::uint64_t> last_;
  // All that it ever took is visible.
  bool complete_ = false;
  // Up to which checkpoint a commit is under way, which waits.
  std::optional<std::uint64_t> committing_;
  std::uint64_t records_ = 0;
};

sink_actor::behavior_type sink_stage(sink_stage_state::self_pointer self,
                                     std::shared_ptr<sink_parts> parts);

} // namespace weir
