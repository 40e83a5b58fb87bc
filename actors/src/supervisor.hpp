// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Supervises the instances of one launch of a job: opens all before any runs, carries out drain, stop and
/// cancel, and ends with one result whatever happens. Without checkpoints it commits all sinks or none at the
/// end; with them the coordinator does, and is told when there is to be a first and a last one. Touched only
/// by its own messages; CAF destroys it when the actor quits. What escapes one of its handlers fails the job, which ends
/// even so. User code runs here where a drain ends the input of services and where the job ends: coroutines
/// and tickets are told.

#include "stage_pointer.hpp"

#include "weir/interfaces.hpp"
#include "weir/job_status.hpp"
#include "weir/sink.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

enum class stage_kind : std::uint8_t {
  source,
  operation,
  sink,
  /// An operator with ends of its own: it finishes as a sink prepares, and has nothing to commit.
  service,
};

/// A running instance, as the supervisor knows it.
struct supervised {
  stage_kind kind;
  std::string name;
  caf::actor actor;
};

struct supervisor_parts {
  /// Its name.
  std::string job;
  /// In the order of their instance numbers; filled in before `run_atom`.
  std::vector<supervised> instances;
  std::vector<pool_actor> pools;
  /// Null: the job makes no checkpoints.
  coordinator_actor coordinator{};
  /// What sinks have to deal with before anything runs: for each stage its first instance, by number.
  std::vector<std::pair<std::uint32_t, std::shared_ptr<const sink_recovery>>> recoveries;
  bool keep_partial = false;
  /// Ends the input of all services, as `drain_atom` does that of sources. Whether one had not ended; an
  /// error where a coroutine that was refused threw.
  std::function<expected<bool>()> drain_services;
  /// Told once, when all instances have opened.
  std::function<void()> on_running;
  /// Told once, as soon as it is known, how the job ends: services take nothing more.
  std::function<void(const job_result&)> on_stopping;
  /// Records that were read and have not come out; asked at the end of a drain that was cut off.
  std::function<std::uint64_t()> left_behind;
  /// Called once, when the last actor has ended.
  std::function<void(job_result)> on_end;
};

class supervisor_state {
public:
  using self_pointer = stage_pointer<job_actor, supervisor_state>;

  explicit supervisor_state(self_pointer self) : self_(self) {}

  job_actor::behavior_type make_behavior(std::shared_ptr<supervisor_parts> parts);

  static inline const char* name = "weir.job";

private:
  enum class phase : std::uint8_t {
    waiting,
    opening,
    /// With checkpoints: the run's checkpoint 0 is made.
    beginning,
    /// Sinks deal with the output of earlier runs and launches.
    recovering,
    running,
    /// With checkpoints: the last one is made.
    finishing,
    /// Without: sinks show what they have written.
    committing,
    /// With: all is visible, and it is noted that the run is finished.
    noting,
    stopping,
    over,
  };

  // -- message handlers, in the interface's order --
  void on_event(instance_id from, stage_event what);
  void on_failure(instance_id from, const stage_failure& what);
  void on_pool_failure(const stage_failure& what);
  void on_checkpoint_event(const checkpoint_event& what);
  void on_run();
  void on_drain(const drain_request& how);
  void on_stop_job();
  void on_wake_up();
  void on_cancel();
  void on_down(const caf::actor_addr& who, const caf::error& reason);

  void on_opened();
  void recover();
  void on_recovered();
  void run();
  void drain_sources();
  void arm_drain_deadline();
  void on_finished(instance_id from);
  /// Lets the sinks commit, or makes the last checkpoint, if they and all services have finished.
  void complete_when_finished();
  /// Lets the coordinator make the last checkpoint, and so decides how the job ends. Where it makes one since
  /// the input has ended, that is waited for no longer than for any other.
  void make_last_checkpoint(checkpoint_order how);
  void end_behind_checkpoint(std::vector<error> why);
  void on_committed();
  void end_when_committed();
  /// Empty where `thing` is none.
  std::string name_of_sink(const std::string& thing) const;
  void fail(const supervised& instance, const error& why, std::string record = {});
  /// `stage`, `record`: where it was one that failed.
  void fail(error why, std::string stage = {}, std::string record = {});
  /// Handles a message; what that throws fails the job.
  template <class Handler>
  void handle(Handler handler);
  /// Ends all instances; when they are down, `finish`.
  void stop_all();
  void finish();

  template <class... Ts>
  void tell(stage_kind kind, const Ts&... message);
  void tell_coordinator(checkpoint_order what);
  /// It makes the last checkpoint of a job whose input has ended.
  bool is_completing() const { return phase_ == phase::finishing && last_ == checkpoint_order::finish; }
  std::size_t count(stage_kind kind) const;
  /// All actors that it waits for in the end.
  std::size_t actors() const;

  self_pointer self_;
  std::shared_ptr<supervisor_parts> parts_;
  phase phase_ = phase::waiting;
  job_result result_;
  time_point started_;
  duration drain_deadline_{};
  bool draining_ = false;
  /// It was told to stop.
  bool stopping_ = false;
  /// Once the last checkpoint is made.
  std::optional<checkpoint_order> last_;
  /// The drain kept sources from reading to their end.
  bool ended_early_ = false;
  /// The drain's deadline has passed: sinks finish with what they have.
  bool cut_off_ = false;
  std::size_t opened_ = 0;
  std::size_t recovered_ = 0;
  std::size_t sinks_finished_ = 0;
  std::size_t services_finished_ = 0;
  std::size_t committed_ = 0;
  std::size_t down_ = 0;
};

job_actor::behavior_type supervisor(supervisor_state::self_pointer self,
                                    std::shared_ptr<supervisor_parts> parts);

} // namespace weir
