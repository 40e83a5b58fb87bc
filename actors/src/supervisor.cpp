// SPDX-License-Identifier: Apache-2.0
#include "supervisor.hpp"

#include "guarded.hpp"
#include "sink_grace.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace weir {

namespace {

/// That of a job without checkpoints.
constexpr std::uint64_t only_checkpoint = 1;

/// What an instance says, for who knows its stage alone: an operator's failure begins with its name,
/// whatever it is about (a store, the user's code).
error said_of(const supervised& instance, const error& why) {
  if (instance.kind == stage_kind::source || instance.kind == stage_kind::sink)
    return why;
  return said_of("operator " + instance.name, instance.name, why);
}

} // namespace

job_actor::behavior_type supervisor_state::make_behavior(std::shared_ptr<supervisor_parts> parts) {
  parts_ = std::move(parts);
  self_->set_down_handler(
    [this](const caf::down_msg& msg) { handle([&] { on_down(msg.source, msg.reason); }); });
  return {
    [this](instance_id from, stage_event what) { handle([&] { on_event(from, what); }); },
    [this](instance_id from, const stage_failure& what) {
      handle([&] { on_failure(from, what); });
    },
    [this](const stage_failure& what) { handle([&] { on_pool_failure(what); }); },
    [this](const checkpoint_event& what) { handle([&] { on_checkpoint_event(what); }); },
    [this](run_atom) { handle([&] { on_run(); }); },
    [this](const drain_request& how) { handle([&] { on_drain(how); }); },
    [this](stop_job_atom) { handle([&] { on_stop_job(); }); },
    [this](const wake_up&) { handle([&] { on_wake_up(); }); },
    [this](const stop_request&) { handle([&] { on_cancel(); }); },
  };
}

void supervisor_state::on_event(instance_id from, stage_event what) {
  switch (what) {
    case stage_event::opened:
      on_opened();
      break;
    case stage_event::finished:
      on_finished(from);
      break;
    case stage_event::cut_short:
      ended_early_ = true;
      break;
    case stage_event::committed:
      on_committed();
      break;
    case stage_event::recovered:
      on_recovered();
      break;
  }
}

void supervisor_state::on_failure(instance_id from, const stage_failure& what) {
  // One that was told to stop may still fail when the job is over.
  if (phase_ == phase::over)
    return;
  fail(parts_->instances[from.number], what.why, what.record);
}

void supervisor_state::on_pool_failure(const stage_failure& what) {
  fail(what.why);
}

void supervisor_state::on_checkpoint_event(const checkpoint_event& what) {
  if (phase_ == phase::over)
    return;
  switch (what.what) {
    case checkpoint_news::begun:
      if (phase_ == phase::beginning)
        recover();
      break;
    case checkpoint_news::visible:
      if (phase_ != phase::finishing)
        break;
      phase_ = phase::noting;
      // Whatever else it was told meanwhile.
      last_ = checkpoint_order::finish;
      break;
    case checkpoint_news::last_done:
      if (phase_ == phase::finishing || phase_ == phase::noting)
        end_behind_checkpoint({});
      break;
    case checkpoint_news::last_failed:
      if (phase_ != phase::finishing)
        break;
      if (last_ == checkpoint_order::finish)
        fail(*what.why);
      else
        end_behind_checkpoint({*what.why});
      break;
    case checkpoint_news::failed:
      // Of what a sink has lost it is that sink.
      fail(*what.why, name_of_sink(what.why->thing()));
      break;
  }
}

void supervisor_state::on_run() {
  started_ = self_->clock().now();
  phase_ = phase::opening;
  if (parts_->coordinator)
    self_->monitor(parts_->coordinator);
  for (const auto& each : parts_->instances)
    self_->monitor(each.actor);
  for (const auto& each : parts_->pools)
    self_->monitor(each);
  for (const auto& each : parts_->instances)
    caf::anon_send(each.actor, caf::open_atom::value);
}

void supervisor_state::on_drain(const drain_request& how) {
  if ((phase_ >= phase::finishing && !is_completing()) || draining_ || stopping_)
    return;
  draining_ = true;
  // So that adding it to a time does not overflow; what is longer never passes either.
  drain_deadline_ = std::min(how.deadline, duration::max() / 4);
  if (phase_ == phase::running)
    drain_sources();
  else if (is_completing())
    arm_drain_deadline();
}

void supervisor_state::on_stop_job() {
  if (!parts_->coordinator) {
    on_drain({});
    return;
  }
  if (phase_ == phase::noting)
    end_behind_checkpoint({});
  if (phase_ >= phase::finishing && !is_completing())
    return;
  stopping_ = true;
  if (phase_ == phase::running || is_completing())
    make_last_checkpoint(checkpoint_order::stop);
}

void supervisor_state::drain_sources() {
  // Before any source can have ended.
  tell_coordinator(checkpoint_order::draining);
  tell(stage_kind::source, drain_atom::value);
  auto ended = parts_->drain_services();
  if (!ended) {
    const auto& thing = ended.why().thing();
    const auto of = std::find_if(parts_->instances.begin(), parts_->instances.end(),
                                 [&](const supervised& each) { return each.name == thing; });
    if (of == parts_->instances.end())
      fail(std::move(ended).why());
    else
      fail(*of, ended.why());
    return;
  }
  ended_early_ = *ended || ended_early_;
  arm_drain_deadline();
}

void supervisor_state::arm_drain_deadline() {
  const auto at = self_->clock().now() + drain_deadline_;
  self_->scheduled_send(self_, at, wake_up{at});
}

void supervisor_state::on_wake_up() {
  if (phase_ == phase::noting)
    end_behind_checkpoint({});
  if (phase_ != phase::running && !is_completing())
    return;
  if (parts_->coordinator) {
    // What is left is in it.
    make_last_checkpoint(checkpoint_order::drain);
    return;
  }
  if (cut_off_) {
    // A sink cannot even finish what it has: its reader is gone or asleep.
    on_cancel();
    return;
  }
  cut_off_ = true;
  tell(stage_kind::source, stop_request{});
  tell(stage_kind::operation, stop_request{});
  tell(stage_kind::service, stop_request{});
  tell(stage_kind::sink, prepare_atom::value);
  const auto at = self_->clock().now() + sink_grace;
  self_->scheduled_send(self_, at, wake_up{at});
  complete_when_finished();
}

void supervisor_state::on_cancel() {
  if (phase_ == phase::noting)
    end_behind_checkpoint({});
  // Once sinks commit without checkpoints it is too late: the output becomes visible.
  if (phase_ >= phase::committing)
    return;
  result_.end = job_end::cancelled;
  stop_all();
}

void supervisor_state::on_down(const caf::actor_addr& who, const caf::error& reason) {
  ++down_;
  if (phase_ != phase::stopping && !cut_off_) {
    const auto at
      = std::find_if(parts_->instances.begin(), parts_->instances.end(),
                     [&](const supervised& each) { return each.actor.address() == who; });
    const auto message = "its actor ended: " + caf::to_string(reason);
    if (at == parts_->instances.end())
      fail({error_kind::internal, parts_->coordinator.address() == who ? "coordinator" : "pool",
            message});
    else
      fail(*at, {error_kind::internal, at->name, message});
  }
  if (phase_ == phase::stopping && down_ == actors())
    finish();
}

void supervisor_state::on_opened() {
  if (phase_ != phase::opening || ++opened_ < parts_->instances.size())
    return;
  if (parts_->coordinator) {
    phase_ = phase::beginning;
    tell_coordinator(checkpoint_order::begin);
  } else {
    recover();
  }
}

void supervisor_state::recover() {
  phase_ = phase::recovering;
  for (const auto& [instance, from] : parts_->recoveries)
    caf::anon_send(parts_->instances[instance].actor, recover_request{from});
  if (parts_->recoveries.empty())
    run();
}

void supervisor_state::on_recovered() {
  if (phase_ == phase::recovering && ++recovered_ == parts_->recoveries.size())
    run();
}

void supervisor_state::run() {
  phase_ = phase::running;
  parts_->on_running();
  // Receivers first: a sender's credit can then come at once.
  tell(stage_kind::sink, run_atom::value);
  tell(stage_kind::operation, run_atom::value);
  tell(stage_kind::service, run_atom::value);
  tell(stage_kind::source, run_atom::value);
  tell_coordinator(checkpoint_order::run);
  // Told so before they ran.
  if (stopping_)
    make_last_checkpoint(checkpoint_order::stop);
  else if (draining_)
    drain_sources();
}

void supervisor_state::on_finished(instance_id from) {
  if (phase_ != phase::running)
    return;
  switch (parts_->instances[from.number].kind) {
    case stage_kind::sink:
      ++sinks_finished_;
      break;
    case stage_kind::service:
      ++services_finished_;
      break;
    default:
      return;
  }
  complete_when_finished();
}

void supervisor_state::complete_when_finished() {
  // What was stopped does not finish any more.
  const auto services = cut_off_ ? 0 : count(stage_kind::service);
  if (sinks_finished_ < count(stage_kind::sink) || services_finished_ < services)
    return;
  if (parts_->coordinator) {
    make_last_checkpoint(ended_early_ ? checkpoint_order::drain : checkpoint_order::finish);
    return;
  }
  phase_ = phase::committing;
  tell(stage_kind::sink, commit_request{only_checkpoint});
  end_when_committed();
}

void supervisor_state::make_last_checkpoint(checkpoint_order how) {
  phase_ = phase::finishing;
  last_ = how;
  tell_coordinator(how);
}

void supervisor_state::end_behind_checkpoint(std::vector<error> why) {
  result_.end = last_ == checkpoint_order::finish  ? job_end::done
                : last_ == checkpoint_order::drain ? job_end::drained
                                                   : job_end::stopped;
  result_.why = std::move(why);
  stop_all();
}

void supervisor_state::on_committed() {
  if (phase_ != phase::committing)
    return;
  ++committed_;
  end_when_committed();
}

void supervisor_state::end_when_committed() {
  if (committed_ < count(stage_kind::sink))
    return;
  result_.end = ended_early_ || cut_off_ ? job_end::drained : job_end::done;
  stop_all();
}

std::string supervisor_state::name_of_sink(const std::string& thing) const {
  const auto& all = parts_->instances;
  const auto at = std::find_if(all.begin(), all.end(), [&](const supervised& each) {
    return each.kind == stage_kind::sink && thing == "sink " + each.name;
  });
  return at == all.end() ? std::string{} : at->name;
}

void supervisor_state::fail(const supervised& instance, const error& why, std::string record) {
  fail(said_of(instance, why), instance.name, std::move(record));
}

void supervisor_state::fail(error why, std::string stage, std::string record) {
  if (phase_ == phase::stopping || phase_ == phase::over)
    return;
  if (phase_ == phase::noting) {
    // It was done before that.
    end_behind_checkpoint({});
    return;
  }
  result_.end = job_end::failed;
  result_.why = {std::move(why)};
  result_.stage = std::move(stage);
  result_.record = std::move(record);
  stop_all();
}

void supervisor_state::stop_all() {
  const stop_request how{parts_->keep_partial,
                         phase_ == phase::committing && result_.end == job_end::failed};
  phase_ = phase::stopping;
  parts_->on_stopping(result_);
  for (const auto kind :
       {stage_kind::source, stage_kind::operation, stage_kind::service, stage_kind::sink})
    tell(kind, how);
  for (const auto& each : parts_->pools)
    self_->send(each, how);
  if (parts_->coordinator)
    self_->send(parts_->coordinator, how);
  if (down_ == actors())
    finish();
}

void supervisor_state::finish() {
  phase_ = phase::over;
  result_.took = self_->clock().now() - started_;
  // Only now: until a sink prepares it writes what came to it before the deadline.
  if (result_.end == job_end::drained && cut_off_)
    result_.left_behind = parts_->left_behind();
  // Nothing of the job may be held any more when its starter goes on.
  auto parts = std::move(parts_);
  parts->instances.clear();
  parts->pools.clear();
  parts->coordinator = nullptr;
  self_->quit();
  parts->on_end(std::move(result_));
}

template <class Handler>
void supervisor_state::handle(Handler handler) {
  // CAF ends an actor whose handler throws, and who waits for the job would wait for ever.
  try {
    handler();
  } catch (...) {
    if (phase_ != phase::over)
      fail(error_of("job " + parts_->job, std::current_exception()));
  }
}

template <class... Ts>
void supervisor_state::tell(stage_kind kind, const Ts&... message) {
  for (const auto& each : parts_->instances)
    if (each.kind == kind)
      caf::anon_send(each.actor, message...);
}

void supervisor_state::tell_coordinator(checkpoint_order what) {
  if (parts_->coordinator)
    caf::anon_send(parts_->coordinator, what);
}

std::size_t supervisor_state::actors() const {
  return parts_->instances.size() + parts_->pools.size() + (parts_->coordinator ? 1 : 0);
}

std::size_t supervisor_state::count(stage_kind kind) const {
  return static_cast<std::size_t>(
    std::count_if(parts_->instances.begin(), parts_->instances.end(),
                  [&](const supervised& each) { return each.kind == kind; }));
}

job_actor::behavior_type supervisor(supervisor_state::self_pointer self,
                                    std::shared_ptr<supervisor_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
