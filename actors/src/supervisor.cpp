// SPDX-License-Identifier: Apache-2.0
#include "supervisor.hpp"

#include "guarded.hpp"

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
  const auto who = "operator " + instance.name;
  return why.thing() == instance.name ? error{why.kind(), who, why.message()} : said_of(who, why);
}

} // namespace

job_actor::behavior_type
supervisor_state::make_behavior(std::shared_ptr<supervisor_parts> parts) {
  parts_ = std::move(parts);
  self_->set_down_handler([this](const caf::down_msg& msg) {
    handle([&] { on_down(msg.source, msg.reason); });
  });
  return {
    [this](instance_id from, stage_event what) { handle([&] { on_event(from, what); }); },
    [this](instance_id from, const stage_failure& what) {
      handle([&] { on_failure(from, what); });
    },
    [this](const stage_failure& what) { handle([&] { on_pool_failure(what); }); },
    [this](run_atom) { handle([&] { on_run(); }); },
    [this](const drain_request& how) { handle([&] { on_drain(how); }); },
    [this](const wake_up&) { handle([&] { on_wake_up(); }); },
    [this](const stop_request&) { handle([&] { on_stop(); }); },
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

void supervisor_state::on_run() {
  started_ = self_->clock().now();
  phase_ = phase::opening;
  for (const auto& each : parts_->instances)
    self_->monitor(each.actor);
  for (const auto& each : parts_->pools)
    self_->monitor(each);
  for (const auto& each : parts_->instances)
    caf::anon_send(each.actor, caf::open_atom::value);
}

void supervisor_state::on_drain(const drain_request& how) {
  if (phase_ >= phase::committing || draining_)
    return;
  draining_ = true;
  // So that adding it to a time does not overflow; what is longer never passes either.
  drain_deadline_ = std::min(how.deadline, duration::max() / 4);
  if (phase_ == phase::running)
    drain_sources();
}

void supervisor_state::drain_sources() {
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
  const auto at = self_->clock().now() + drain_deadline_;
  self_->scheduled_send(self_, at, wake_up{at});
}

void supervisor_state::on_wake_up() {
  if (phase_ != phase::running)
    return;
  if (cut_off_) {
    // A sink cannot even finish what it has: its reader is gone or asleep.
    on_stop();
    return;
  }
  cut_off_ = true;
  tell(stage_kind::source, stop_request{});
  tell(stage_kind::operation, stop_request{});
  tell(stage_kind::service, stop_request{});
  tell(stage_kind::sink, prepare_atom::value);
  const auto at = self_->clock().now() + sink_grace;
  self_->scheduled_send(self_, at, wake_up{at});
  commit_when_finished();
}

void supervisor_state::on_stop() {
  // Once sinks commit it is too late: the output becomes visible.
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
      fail({error_kind::internal, "pool", message});
    else
      fail(*at, {error_kind::internal, at->name, message});
  }
  if (phase_ == phase::stopping && down_ == parts_->instances.size() + parts_->pools.size())
    finish();
}

void supervisor_state::on_opened() {
  if (phase_ != phase::opening || ++opened_ < parts_->instances.size())
    return;
  phase_ = phase::running;
  parts_->on_running();
  // Receivers first: a sender's credit can then come at once.
  tell(stage_kind::sink, run_atom::value);
  tell(stage_kind::operation, run_atom::value);
  tell(stage_kind::service, run_atom::value);
  tell(stage_kind::source, run_atom::value);
  // Told to drain before they ran.
  if (draining_)
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
  commit_when_finished();
}

void supervisor_state::commit_when_finished() {
  // What was stopped does not finish any more.
  const auto services = cut_off_ ? 0 : count(stage_kind::service);
  if (sinks_finished_ < count(stage_kind::sink) || services_finished_ < services)
    return;
  phase_ = phase::committing;
  tell(stage_kind::sink, commit_request{only_checkpoint});
  end_when_committed();
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

void supervisor_state::fail(const supervised& instance, const error& why, std::string record) {
  fail(said_of(instance, why), instance.name, std::move(record));
}

void supervisor_state::fail(error why, std::string stage, std::string record) {
  if (phase_ == phase::stopping || phase_ == phase::over)
    return;
  result_.end = job_end::failed;
  result_.why = {std::move(why)};
  result_.stage = std::move(stage);
  result_.record = std::move(record);
  stop_all();
}

void supervisor_state::stop_all() {
  const stop_request how{parts_->keep_partial, phase_ == phase::committing
                                                  && result_.end == job_end::failed};
  phase_ = phase::stopping;
  parts_->on_stopping(result_);
  for (const auto kind :
       {stage_kind::source, stage_kind::operation, stage_kind::service, stage_kind::sink})
    tell(kind, how);
  for (const auto& each : parts_->pools)
    self_->send(each, how);
  if (down_ == parts_->instances.size() + parts_->pools.size())
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
