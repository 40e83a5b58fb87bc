// SPDX-License-Identifier: Apache-2.0
#include "weir/job_keeper.hpp"

#include "guarded.hpp"

#include "weir/restart_strategy.hpp"
#include "weir/splitmix64.hpp"

#include <caf/actor_system.hpp>

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace weir {

namespace {

std::string text(duration of) {
  using namespace std::chrono;
  if (of % seconds{1} == duration{0})
    return std::to_string(of / seconds{1}) + " s";
  return std::to_string(of / milliseconds{1}) + " ms";
}

/// Counts on.
void add(checkpoint_status& to, const checkpoint_status& of) {
  to.completed += of.completed;
  to.timed_out += of.timed_out;
  to.refused += of.refused;
  to.not_stored += of.not_stored;
}

/// Another run, made of this one.
run_id run_after(const run_id& before) {
  std::uint64_t mixed[2] = {};
  for (std::size_t i = 0; i < before.bytes.size(); ++i)
    mixed[i / 8] = splitmix64(mixed[i / 8] + splitmix64_step) ^ before.bytes[i];
  return run_id::of(splitmix64(mixed[0]), splitmix64(mixed[1]));
}

/// The error of an operator begins with its name; that of a source or a sink as it says.
error named(const job_plan& plan, const std::string& stage, const error& why) {
  const auto* at = plan.find_stage(stage);
  if (at == nullptr || std::holds_alternative<operator_plan>(at->what))
    return why;
  const auto* kind = std::holds_alternative<sink_plan>(at->what) ? "sink " : "source ";
  return said_of(kind + stage, stage, why);
}

std::string failure_text(const job_plan& plan, const job_result& of) {
  std::string line;
  for (const auto& each : of.why)
    line += (line.empty() ? "" : "; ") + named(plan, of.stage, each).text();
  return of.record.empty() ? line : "at " + of.record + ": " + line;
}

} // namespace

class job_keeper::impl {
public:
  impl(caf::actor_system& system, const job_plan& plan, keeper_settings settings)
    : system_(system),
      plan_(plan),
      on_(std::move(settings.on)),
      newest_(std::move(settings.newest)),
      settings_(std::move(settings)),
      decision_(plan_.restarts()) {}

  ~impl() {
    // The task that has called `on_end` may not have returned.
    on_.reset();
  }

  impl(const impl&) = delete;
  impl& operator=(const impl&) = delete;

  std::vector<error> start(std::function<void(job_result)> on_end) {
    on_end_ = std::move(on_end);
    begun_ = now();
    assert(!(restarts() || settings_.checkpoints) || on_ != nullptr);
    assert(!(restarts() && settings_.checkpoints) || newest_);
    if (settings_.checkpoints)
      settings_.checkpoints->on = on_.get();
    // The launch may have failed before its start has returned; that is then looked at behind it.
    const std::lock_guard guard{mutex_};
    auto first = make_runner();
    auto mistakes = start(*first);
    runner_ = std::move(first);
    phase_ = mistakes.empty() ? phase::running : phase::over;
    if (!mistakes.empty() && settings_.checkpoints)
      settings_.checkpoints->store->release();
    return mistakes;
  }

  bool look_at_futures(time_point at, bool give_up) {
    // There is but one thread, and what it finds may ask for the status.
    auto* const launch = runner_.get();
    return launch != nullptr && launch->look_at_futures(at, give_up);
  }

  job_status status() const {
    // A runner that is looked at must not go.
    const std::lock_guard guard{mutex_};
    auto all = runner_ != nullptr ? runner_->status() : last_status_;
    all.restarts = decision_.restarts();
    if (all.checkpoints && runner_ != nullptr)
      add(*all.checkpoints, before_);
    return all;
  }

  void drain(duration deadline) {
    const std::lock_guard guard{mutex_};
    if (!drain_)
      drain_ = deadline;
    if (phase_ == phase::running)
      runner_->drain(deadline);
    else if (phase_ == phase::waiting)
      stop_waiting();
  }

  void stop() {
    if (!settings_.checkpoints) {
      drain({});
      return;
    }
    const std::lock_guard guard{mutex_};
    stopped_ = true;
    if (phase_ == phase::running)
      runner_->stop();
    else if (phase_ == phase::waiting)
      stop_waiting(job_end::stopped);
  }

  void cancel() {
    const std::lock_guard guard{mutex_};
    cancelled_ = true;
    if (phase_ == phase::running)
      runner_->cancel();
    else if (phase_ == phase::waiting)
      stop_waiting(job_end::cancelled);
  }

private:
  enum class phase : std::uint8_t {
    /// A launch is being started.
    starting,
    running,
    /// Between two launches.
    waiting,
    over,
  };

  bool restarts() const { return decision_.enabled(); }
  time_point now() const { return system_.clock().now(); }

  std::unique_ptr<job_runner> make_runner() {
    return std::make_unique<job_runner>(system_, plan_, settings_);
  }

  std::vector<error> start(job_runner& launch) {
    return launch.start([this](job_result with) {
      if (!restarts() && !settings_.checkpoints)
        on_end_(std::move(with));
      else
        on_->run([this, how = std::move(with)]() mutable { launch_ended(std::move(how)); });
    });
  }

  // -- on the queue --

  void launch_ended(job_result with) {
    std::unique_lock guard{mutex_};
    const bool ends = with.end != job_end::failed || !restarts()
                      || (is_first_ && !runner_->has_run());
    guard.unlock();
    if (ends)
      end(std::move(with));
    else
      failed(std::move(with));
  }

  void failed(job_result with) {
    // One that read nothing shows nothing of any record.
    if (has_run())
      tell_of_poison(with);
    const auto at = now();
    std::unique_lock guard{mutex_};
    name_newest(with);
    if (has_made_checkpoints())
      decision_.checkpoint_completed();
    const bool passes = std::all_of(with.why.begin(), with.why.end(), may_pass);
    const bool ends = drain_ || stopped_ || cancelled_ || !passes;
    const auto wait = ends ? std::nullopt : decision_.after_failure(at);
    if (!wait) {
      // A launch that has read nothing leaves the job where it waited, unless no start would go on from there.
      const bool has_launched = runner_ != nullptr && runner_->has_run();
      if ((stopped_ || cancelled_) && !is_first_ && !has_launched && passes) {
        const auto why = failure_text(plan_, with);
        give_up(cancelled_ ? job_end::cancelled : job_end::stopped);
        with = std::move(failure_);
        guard.unlock();
        tell(settings_.log, {log_level::warning, "job " + plan_.name, "it could not start again: " + why});
        end(std::move(with));
        return;
      }
      guard.unlock();
      end(std::move(with));
      return;
    }
    phase_ = phase::waiting;
    is_first_ = false;
    const auto message = "it failed: " + failure_text(plan_, with) + "; it starts again in " + text(*wait)
                         + " (restart " + decision_.count_text() + ")";
    failure_ = std::move(with);
    note_status();
    // What comes next is not what was read: it must not be taken for that by who is given idempotency keys.
    if (runner_ != nullptr && !runner_->can_replay())
      settings_.run = run_after(settings_.run);
    auto gone = std::move(runner_);
    guard.unlock();
    tell(settings_.log, {log_level::warning, "job " + plan_.name, message});
    // Its drivers' threads end here.
    gone.reset();
    guard.lock();
    if (phase_ == phase::waiting)
      on_->run_at(at + std::min(*wait, duration::max() / 4), [this] { launch(); });
  }

  /// What it goes on from is asked for here, behind all that the launch before has left on the queue.
  expected<std::shared_ptr<launch_state>> find_newest() {
    if (!settings_.checkpoints)
      return std::shared_ptr<launch_state>{};
    return guarded("job " + plan_.name, newest_);
  }

  void go_on_from(std::shared_ptr<launch_state> found) {
    if (!settings_.checkpoints)
      return;
    auto& with = *settings_.checkpoints;
    // What it was to be done with output that is newer than a checkpoint, it was before the next was made.
    const auto of = [](const std::shared_ptr<launch_state>& from) {
      return from == nullptr ? 0 : from->checkpoint;
    };
    if (of(found) != of(with.from))
      with.newer = newer_output::refuse;
    // They went before the launch before could make others of these numbers.
    with.newer_checkpoints.clear();
    with.from = std::move(found);
  }

  void launch() {
    {
      const std::lock_guard guard{mutex_};
      if (phase_ != phase::waiting)
        return;
      phase_ = phase::starting;
    }
    std::unique_ptr<job_runner> next;
    std::vector<error> mistakes;
    if (auto found = find_newest(); !found) {
      mistakes.push_back(found.why());
    } else if (*found != nullptr && (*found)->kind == checkpoint_kind::finished) {
      end_finished((*found)->checkpoint);
      return;
    } else {
      go_on_from(*std::move(found));
      next = make_runner();
      mistakes = start(*next);
    }
    if (!mistakes.empty()) {
      next.reset();
      job_result with;
      with.end = job_end::failed;
      with.why = std::move(mistakes);
      with.checkpoint = failure_.checkpoint;
      with.held = failure_.held;
      failed(std::move(with));
      return;
    }
    const std::lock_guard guard{mutex_};
    runner_ = std::move(next);
    phase_ = phase::running;
    if (cancelled_)
      runner_->cancel();
    else if (stopped_)
      runner_->stop();
    else if (drain_)
      runner_->drain(*drain_);
  }

  /// The launch before had done all when it failed, and had not heard of it.
  void end_finished(std::uint64_t checkpoint) {
    tell(settings_.log, {log_level::info, "job " + plan_.name,
                         "it was finished when it failed: there is nothing more to be done"});
    std::unique_lock guard{mutex_};
    give_up(job_end::done);
    auto with = std::move(failure_);
    guard.unlock();
    with.checkpoint = checkpoint;
    with.held = 0;
    end(std::move(with));
  }

  void end(job_result with) {
    {
      const std::lock_guard guard{mutex_};
      phase_ = phase::over;
      with.restarts = decision_.restarts();
      name_newest(with);
    }
    if (with.restarts > 0)
      with.took = now() - begun_;
    // Who is told of the end may start the job anew.
    if (settings_.checkpoints)
      settings_.checkpoints->store->release();
    on_end_(std::move(with));
  }

  bool has_run() const {
    const std::lock_guard guard{mutex_};
    return runner_ != nullptr && runner_->has_run();
  }

  // -- under the lock --

  bool has_made_checkpoints() const {
    const auto made = runner_ != nullptr ? runner_->status().checkpoints : std::nullopt;
    return made && made->completed > 0;
  }

  /// The store may still have been writing one when the launch ended.
  void name_newest(job_result& in) const {
    const auto made = runner_ != nullptr ? runner_->status().checkpoints : std::nullopt;
    if (!made)
      return;
    in.checkpoint = made->last;
    in.held = made->held;
  }

  /// What is to be seen of the launch that is about to go; what it has counted goes on to the next.
  void note_status() {
    if (runner_ == nullptr)
      return;
    last_status_ = runner_->status();
    if (!last_status_.checkpoints)
      return;
    add(*last_status_.checkpoints, before_);
    before_ = *last_status_.checkpoints;
  }

  /// Its failure is not what it ends by.
  void give_up(job_end how) {
    failure_.end = how;
    failure_.why.clear();
    failure_.stage.clear();
    failure_.record.clear();
  }

  void stop_waiting(job_end how) {
    give_up(how);
    stop_waiting();
  }

  void stop_waiting() {
    phase_ = phase::over;
    on_->forget_timed();
    on_->run([this] { end(std::move(failure_)); });
  }

  // -- what is told --

  void tell_of_poison(const job_result& with) {
    const bool again = !with.record.empty() && with.record == poison_.record
                       && with.stage == poison_.stage;
    poison_ = {with.stage, with.record};
    if (!again)
      return;
    const auto* at = plan_.find_stage(with.stage);
    const bool calls = at != nullptr && std::holds_alternative<operator_plan>(at->what);
    tell(settings_.log,
         {log_level::warning, calls ? "operator " + with.stage : with.stage,
          with.record + " has failed the job twice running"
            + (calls ? "; on_failure (in a job file \"dead_letter\" or \"drop\") or failure_rules let a "
                       "record pass whose call fails"
                     : "")});
  }

  struct culprit {
    std::string stage;
    std::string record;
  };

  caf::actor_system& system_;
  const job_plan plan_;
  std::unique_ptr<work_queue> on_;
  const std::function<expected<std::shared_ptr<launch_state>>()> newest_;
  /// What a launch goes on from is changed on the queue.
  run_settings settings_;
  std::function<void(job_result)> on_end_;
  time_point begun_;
  /// Of the last launch that ran. On the queue.
  culprit poison_;

  mutable std::mutex mutex_;
  phase phase_ = phase::starting;
  restart_decision decision_;
  /// Null between two launches.
  std::unique_ptr<job_runner> runner_;
  bool is_first_ = true;
  job_status last_status_;
  /// What the job waits because of.
  job_result failure_;
  std::optional<duration> drain_;
  bool stopped_ = false;
  /// What launches before have counted.
  checkpoint_status before_;
  bool cancelled_ = false;
};

job_keeper::job_keeper(caf::actor_system& system, const job_plan& plan, keeper_settings settings)
  : impl_(std::make_unique<impl>(system, plan, std::move(settings))) {}

job_keeper::~job_keeper() = default;

std::vector<error> job_keeper::start(std::function<void(job_result)> on_end) {
  return impl_->start(std::move(on_end));
}

bool job_keeper::look_at_futures(time_point now, bool give_up) {
  return impl_->look_at_futures(now, give_up);
}

job_status job_keeper::status() const {
  return impl_->status();
}

void job_keeper::drain(duration deadline) {
  impl_->drain(deadline);
}

void job_keeper::stop() {
  impl_->stop();
}

void job_keeper::cancel() {
  impl_->cancel();
}

} // namespace weir
