// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Makes the checkpoints of one launch of a job. It asks the sources, collects what all instances answer at
/// the barrier, hands a round that is complete to the store's thread as a whole, and lets the sinks commit
/// when it is durable there. When a round begins and which one has failed its schedule says; that a job
/// begins, ends and fails is its supervisor's. A checkpoint that fails is counted and told, and the stream goes
/// on; only output that could not be made durable ends the launch. Touched only by its own messages; CAF
/// destroys it when the actor quits, and what the store has not begun with by then is dropped.
/// tests/actors/coordinator_test.cpp.

#include "checkpoint_probe.hpp"
#include "checkpoint_round.hpp"
#include "checkpoint_writer.hpp"
#include "log_limiter.hpp"
#include "stage_pointer.hpp"
#include "wake_ups.hpp"

#include "weir/interfaces.hpp"
#include "weir/launch_checkpoints.hpp"
#include "weir/log.hpp"
#include "weir/watermark_strategy.hpp"

#include <caf/actor.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct coordinator_parts {
  job_actor job;
  launch_checkpoints with;
  /// The checkpoint that the launch goes on from; absent: the run begins.
  std::optional<std::uint64_t> from{};
  /// For each checkpoint to say.
  gone_counts gone{};
  /// Filled in before the first order.
  std::vector<caf::actor> sources;
  /// The first instance of each: it lets the barrier into the feed of all.
  std::vector<caf::actor> services;
  struct sink {
    instance_id id;
    caf::actor actor;
    std::uint64_t committed = 0;
  };
  std::vector<sink> sinks;
  std::shared_ptr<checkpoint_probe> probe;
  /// What is read to say when a checkpoint was made.
  wall_clock read_wall_clock;
  /// May be null.
  log_function log;
};

class coordinator_state {
public:
  using self_pointer = stage_pointer<coordinator_actor, coordinator_state>;

  explicit coordinator_state(self_pointer self) : self_(self) {}

  coordinator_actor::behavior_type make_behavior(std::shared_ptr<coordinator_parts> parts);

  static inline const char* name = "weir.coordinator";

private:
  /// A checkpoint that has begun and has not ended.
  struct attempt {
    std::uint64_t id = 0;
    time_point began{};
    /// Null once the store has it.
    std::unique_ptr<checkpoint_round> round{};
  };

  // -- message handlers, in the interface's order --
  void on_saved(const instance_saved& what);
  void on_unsaved(const instance_unsaved& what);
  void on_committed(const instance_committed& what);
  void on_order(checkpoint_order what);
  void on_stored(const checkpoint_stored& what);
  void on_wake_up(const wake_up& armed);

  // -- rounds --

  void begin(std::uint64_t id, checkpoint_kind kind);
  void hand_over(attempt& which);
  /// To the store's thread; `began`: when the checkpoint did.
  void store(collected_checkpoint what, time_point began);
  /// In front of all others: see `launch_checkpoints`.
  void put_newer_away();
  void newer_are_away(const checkpoint_stored& what);
  void give_up_late_ones();
  void is_durable(std::uint64_t id);
  /// `counted`: where failures of this kind are.
  void has_failed(std::uint64_t id, std::uint64_t checkpoint_status::*counted, const error& why);
  /// Null where its round is not under way.
  attempt* collected(std::uint64_t id);
  bool is_under_way(std::uint64_t id) const;
  attempt take(std::uint64_t id);

  // -- the last one --

  void begin_last(checkpoint_order how);
  void try_last();
  /// The job is not to wait any longer for its end.
  void hurry(checkpoint_order how);
  void last_has_failed(const error& why);
  checkpoint_kind last_kind() const;
  /// All that is missing of it is what sinks answer: a job that only ends waits for them for a while, and
  /// one whose output is to be complete for as long as it takes.
  void wait_for_sinks();
  void sinks_are_late();
  void end_if_committed();
  /// Says that the run is finished.
  void write_marker();
  void marker_is_written(const checkpoint_stored& what);
  void end(checkpoint_news how, const error* why = nullptr);

  void arm();
  void tell_job(checkpoint_news what, const error* why = nullptr);
  void tell_of_failure(std::uint64_t id, const error& why);
  std::int64_t wall_time_ms() const { return parts_->read_wall_clock().ms(); }
  time_point now() const { return self_->clock().now(); }

  self_pointer self_;
  std::shared_ptr<coordinator_parts> parts_;
  /// Tasks that the store has not begun with come to nothing when it is gone.
  std::shared_ptr<const bool> is_alive_ = std::make_shared<const bool>(true);
  /// On the store's thread.
  std::shared_ptr<checkpoint_writer> writer_;
  /// From when the instances run.
  std::optional<checkpoint_schedule> schedule_;
  wake_ups wake_ups_;
  log_limiter failure_reports_;
  /// Oldest first.
  std::vector<attempt> attempts_;
  bool draining_ = false;
  /// How the job ends, once it does.
  std::optional<checkpoint_order> last_order_;
  /// All input has been read: behind the last one comes the one that says so.
  bool finishes_ = false;
  /// The latest try of the last checkpoint.
  std::uint64_t last_ = 0;
  bool last_is_durable_ = false;
  /// What the store was given with it.
  manifest last_about_;
  std::optional<std::uint64_t> marker_;
  /// When sinks have had time enough.
  time_point grace_ends_ = time_point::max();
  bool over_ = false;
};

coordinator_actor::behavior_type coordinator(coordinator_state::self_pointer self,
                                             std::shared_ptr<coordinator_parts> parts);

} // namespace weir
