// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs one parallel instance of an async wait operator: feeds batches into the machine and carries its
/// effects to the world (receivers, client pools, one timer, the probe). Touched only by its own
/// messages; CAF destroys it when the actor quits.

#include "feed_reader.hpp"
#include "input_gate.hpp"
#include "instance.hpp"
#include "log_limiter.hpp"
#include "operator_codecs.hpp"
#include "saved_instance.hpp"
#include "wake_ups.hpp"

#include "weir/job_plan.hpp"
#include "weir/operator_state.hpp"
#include "weir/pool_client.hpp"
#include "weir/probes.hpp"
#include "weir/run_id.hpp"
#include "weir/state_blocks.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

/// A pool, as those that ask it know it.
struct pool_access {
  pool_actor actor;
  /// See `pool_id`.
  const void* identity = nullptr;
};

struct operator_stage_parts {
  instance_parts instance;
  operator_plan plan;
  std::uint64_t seed = 0;
  run_id run{};
  std::shared_ptr<operator_probe> probe;
  /// Of a service: what is pushed for it. Given by who starts the run: when the stage comes to look, that may
  /// have been given up, and another have begun.
  std::shared_ptr<push_lane> lane;
  /// All pools of the job, by number.
  std::vector<pool_access> pools;
  /// Those of the job; outlives the stage. Null: none.
  const waiting_pools* waiting = nullptr;
  /// Gets its state at the barrier of each checkpoint. Null: barriers pass, and no state is written.
  coordinator_actor coordinator;
  /// With a coordinator: what state is written into.
  std::shared_ptr<block_pool> blocks;
  /// Where it goes on from, and how; null: a fresh start.
  std::shared_ptr<const operator_state> restored;
  /// With a fresh start: what it had counted before its state was let go. May be null.
  std::shared_ptr<const instance_summary> counted;
  restore_mode restore_how = restore_mode::resume;
};

class operator_stage_state {
public:
  using self_pointer = stage_pointer<operator_actor, operator_stage_state>;

  explicit operator_stage_state(self_pointer self);
  ~operator_stage_state();

  operator_actor::behavior_type make_behavior(std::shared_ptr<operator_stage_parts> parts);

  static inline const char* name = "weir.operator";

private:
  class context;

  // -- message handlers, in the interface's order --
  void on_open();
  void on_run();
  void on_credit(lane_id lane, const credit& more, batch_handle spare);
  void on_attach(channel_id channel, lane_id lane, const credit_receiver& from);
  void on_batch(channel_id channel, batch_handle in);
  void on_flush();
  void on_completions();
  void on_pushed();
  void on_checkpoint(const checkpoint_request& what);
  void on_durable(const commit_request& what);
  void on_wake_up(const wake_up& armed);
  void on_pool_results(const pool_results& of);

  void on_blocking_call(duration took);
  void make_body();
  void make_ports();
  expected<void> open_body();
  /// Goes on with the numbers that it had counted; before the function opens, which may count.
  void restore_counters(const instance_summary& from);
  expected<void> restore();
  /// Of a service: what was pushed and not taken in.
  void restore_feed(const batch_base& waiting, event_time said);
  /// Whether it may take input and make calls: not before all have opened, so that nobody ends while the job is
  /// still starting, and, where it goes on from a checkpoint, not before all its outputs have room: what that holds
  /// finished leaves before there are calls.
  bool may_begin();
  /// Lets each barrier that has been reached leave, ahead of all that waits, and then hands over its state:
  /// so its receivers align while it writes. Behind the last of a job nothing more is done.
  void pass_barriers(time_point now);
  void hand_over_state(std::uint64_t checkpoint, time_point now);
  expected<std::shared_ptr<saved_instance>> save(time_point now);
  /// Gives a service's results before it takes in more: who waits for one has waited longest.
  void deliver();
  /// Takes the input that waits, as far as there is room.
  void take_input(time_point now);
  /// What follows every message: questions go out, the timer is armed, the probe is renewed.
  void after(time_point now);
  void renew_probe();
  void ask_pools();
  void expire_questions(time_point now);
  void fail(error why, std::string record);
  /// Whether a step on an edge has failed; then so does the stage.
  bool steps_have_failed();
  /// Lets a service's pushers know what became of their records. Whether that went well.
  bool told_pushers(std::uint64_t records_in);
  void finish();
  operator_outputs outputs();
  time_point now() const;

  self_pointer self_;
  std::shared_ptr<operator_stage_parts> parts_;
  std::unique_ptr<context> context_;
  std::unique_ptr<operator_body> body_;
  std::optional<input_gate> input_;
  /// Only of a service.
  std::optional<feed_reader> feed_;
  std::unique_ptr<output_port> results_;
  /// Null where the job has no use for dead letters.
  std::unique_ptr<output_port> dead_letters_;
  /// By instances that it goes on from.
  machine_counts counted_before_;
  std::uint64_t sent_before_ = 0;
  wake_ups wake_ups_;
  log_limiter blocking_reports_;
  /// It goes on from a checkpoint and has not begun.
  bool waits_for_room_ = false;
  /// The flush message to itself is under way.
  bool flushing_ = false;
  /// All have opened.
  bool running_ = false;
  /// It has failed or finished, or has passed the last barrier of a job that is stopped: nothing more is done.
  bool over_ = false;
};

operator_actor::behavior_type operator_stage(operator_stage_state::self_pointer self,
                                             std::shared_ptr<operator_stage_parts> parts);

} // namespace weir
