// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Supervises the instances of one running job: opens all before any runs, commits all sinks or none,
/// carries out drain and cancel, and ends with one result whatever happens. Touched only by its own
/// messages; CAF destroys it when the actor quits. What escapes one of its handlers fails the job, which ends
/// even so. User code runs here where a drain ends the input of services and where the job ends: coroutines
/// and tickets are told.

#include "stage_pointer.hpp"

#include "weir/interfaces.hpp"
#include "weir/job_status.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <functional>
#include <memory>
#include <string>
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
  /// How long sinks may take to complete what they have when a drain's deadline has passed.
  static constexpr duration sink_grace = std::chrono::seconds{1};

  enum class phase : std::uint8_t { waiting, opening, running, committing, stopping, over };

  // -- message handlers, in the interface's order --
  void on_event(instance_id from, stage_event what);
  void on_failure(instance_id from, const stage_failure& what);
  void on_pool_failure(const stage_failure& what);
  void on_run();
  void on_drain(const drain_request& how);
  void on_wake_up();
  void on_stop();
  void on_down(const caf::actor_addr& who, const caf::error& reason);

  void on_opened();
  void drain_sources();
  void on_finished(instance_id from);
  /// Lets the sinks commit, if they and all services have finished.
  void commit_when_finished();
  void on_committed();
  void end_when_committed();
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
  std::size_t count(stage_kind kind) const;

  self_pointer self_;
  std::shared_ptr<supervisor_parts> parts_;
  phase phase_ = phase::waiting;
  job_result result_;
  time_point started_;
  duration drain_deadline_{};
  bool draining_ = false;
  /// The drain kept sources from reading to their end.
  bool ended_early_ = false;
  /// The drain's deadline has passed: sinks finish with what they have.
  bool cut_off_ = false;
  std::size_t opened_ = 0;
  std::size_t sinks_finished_ = 0;
  std::size_t services_finished_ = 0;
  std::size_t committed_ = 0;
  std::size_t down_ = 0;
};

job_actor::behavior_type supervisor(supervisor_state::self_pointer self,
                                    std::shared_ptr<supervisor_parts> parts);

} // namespace weir
