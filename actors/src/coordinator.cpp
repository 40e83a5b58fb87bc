// SPDX-License-Identifier: Apache-2.0
#include "coordinator.hpp"

#include "guarded.hpp"
#include "sink_grace.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>

#include <algorithm>
#include <string>
#include <utility>

namespace weir {

namespace {

std::string name_of(std::uint64_t checkpoint) {
  return "checkpoint " + std::to_string(checkpoint);
}

std::uint64_t records_in(const manifest& of) {
  std::uint64_t sum = 0;
  for (const auto& each : of.instances)
    sum += each.summary.entries.records();
  return sum;
}

} // namespace

coordinator_actor::behavior_type coordinator_state::make_behavior(
  std::shared_ptr<coordinator_parts> parts) {
  parts_ = std::move(parts);
  const auto& with = parts_->with;
  writer_ = std::make_shared<checkpoint_writer>(with.store, with.keep, parts_->log);
  status_ = parts_->probe->get();
  self_->set_exception_handler([job = parts_->job](std::exception_ptr& thrown) -> caf::error {
    caf::anon_send(
      job, checkpoint_event{checkpoint_news::failed,
                            std::make_shared<const error>(error_of("coordinator", thrown))});
    return caf::exit_reason::unhandled_exception;
  });
  return {
    [this](const instance_saved& what) { on_saved(what); },
    [this](const instance_unsaved& what) { on_unsaved(what); },
    [this](const instance_committed& what) { on_committed(what); },
    [this](checkpoint_order what) { on_order(what); },
    [this](const checkpoint_stored& what) { on_stored(what); },
    [this](const wake_up& armed) { on_wake_up(armed); },
    [this](const stop_request&) { self_->quit(); },
  };
}

// -- message handlers --

void coordinator_state::on_saved(const instance_saved& what) {
  if (over_)
    return;
  auto* const at = collected(what.checkpoint);
  if (at == nullptr || !at->round->saved(what.checkpoint, what.who.number, std::move(*what.what)))
    return;
  if (at->round->is_complete())
    hand_over(*at);
  else if (last_order_ && at->id == last_ && at->round->waits_for_sinks_alone())
    wait_for_sinks();
}

void coordinator_state::on_unsaved(const instance_unsaved& what) {
  if (over_)
    return;
  auto* const at = collected(what.checkpoint);
  if (at == nullptr || !at->round->unsaved(what.checkpoint, what.who.number, what.why))
    return;
  const auto failed = take(at->id);
  has_failed(failed.id, &checkpoint_status::refused, *failed.round->refusal());
}

void coordinator_state::on_committed(const instance_committed& what) {
  for (auto& each : parts_->sinks)
    if (each.id.number == what.who.number)
      each.committed = std::max(each.committed, what.checkpoint);
  end_if_committed();
}

void coordinator_state::on_order(checkpoint_order what) {
  switch (what) {
    case checkpoint_order::begin:
      if (parts_->from)
        tell_job(checkpoint_news::begun);
      else
        begin(0, checkpoint_kind::begun);
      break;
    case checkpoint_order::run:
      schedule_.emplace(parts_->with.timing, parts_->from.value_or(0), now());
      arm();
      break;
    case checkpoint_order::draining:
      draining_ = true;
      break;
    case checkpoint_order::finish:
    case checkpoint_order::drain:
    case checkpoint_order::stop:
      begin_last(what);
      break;
  }
}

void coordinator_state::on_stored(const checkpoint_stored& what) {
  if (over_)
    return;
  const auto of = take(what.checkpoint);
  if (marker_ == what.checkpoint)
    marker_is_written(what);
  else if (what.why == nullptr)
    is_durable(of, what.bytes);
  else if (what.output_lost || what.checkpoint == 0)
    end(checkpoint_news::failed, what.why.get());
  else
    has_failed(what.checkpoint, &checkpoint_status::not_stored, *what.why);
}

void coordinator_state::on_wake_up(const wake_up& armed) {
  wake_ups_.arrived(armed.due);
  if (over_)
    return;
  if (grace_ends_ <= now())
    sinks_are_late();
  give_up_late_ones();
  if (over_)
    return;
  if (const auto id = schedule_->start(now())) {
    if (last_order_)
      last_ = *id;
    begin(*id, last_order_ ? last_kind() : checkpoint_kind::running);
  }
  arm();
}

// -- rounds --

void coordinator_state::begin(std::uint64_t id, checkpoint_kind kind) {
  auto about = parts_->with.run;
  about.checkpoint = id;
  about.kind = kind;
  attempts_.push_back({id, now(), std::make_unique<checkpoint_round>(std::move(about), now())});
  for (const auto& each : parts_->sources)
    caf::anon_send(each, checkpoint_request{id, last_order_ == checkpoint_order::stop});
  // What a service does behind the last one it would do again, also where its input had ended.
  for (const auto& each : parts_->services)
    caf::anon_send(each, checkpoint_request{
                           id, last_order_ && *last_order_ != checkpoint_order::finish});
}

void coordinator_state::hand_over(attempt& which) {
  auto all = which.round->take(now(), wall_time_ms());
  which.round.reset();
  auto& about = all.what.about;
  // Where sources were told to drain operators may have seen ends behind which there is more to read, in
  // whichever round it was.
  if (draining_ && about.kind != checkpoint_kind::begun)
    about.kind = checkpoint_kind::drained;
  which.made_at_ms = about.made_at_ms;
  which.held = records_in(about);
  if (schedule_)
    schedule_->handed_over(which.id);
  if (last_order_ && which.id == last_) {
    grace_ends_ = time_point::max();
    last_about_ = about;
  }
  store(std::move(all));
}

void coordinator_state::store(collected_checkpoint what) {
  const auto to = self_->address();
  parts_->with.on->run([writer = writer_, to, at = now(), what = std::move(what),
                        is_alive = std::weak_ptr{is_alive_}]() mutable {
    if (is_alive.expired())
      return;
    const auto run = what.what.about.run_number;
    checkpoint_stored result{what.what.about.checkpoint};
    {
      // What it holds in memory is given back before anybody hears of it.
      auto all = std::move(what);
      auto done = writer->write(all);
      if (done.bytes)
        result.bytes = *done.bytes;
      else
        result.why = std::make_shared<const error>(std::move(done.bytes).why());
      result.output_lost = done.output_lost;
    }
    const bool is_whole = result.why == nullptr;
    if (auto alive = caf::actor_cast<caf::actor>(to))
      caf::anon_send(alive, std::move(result));
    // Behind it: sinks need not wait for that.
    if (is_whole)
      writer->prune(run, at);
  });
}

void coordinator_state::give_up_late_ones() {
  if (!schedule_)
    return;
  for (const auto id : schedule_->timed_out(now())) {
    const auto late = take(id);
    has_failed(
      id, &checkpoint_status::timed_out,
      {error_kind::timeout, name_of(id), "there is no answer yet of " + late.round->missing()});
    if (over_)
      return;
  }
}

void coordinator_state::is_durable(const attempt& which, std::uint64_t bytes) {
  status_.last = which.id;
  status_.last_took = now() - which.began;
  status_.last_bytes = bytes;
  status_.last_made_at_ms = which.made_at_ms;
  status_.held = which.held;
  status_.completed += which.id == 0 ? 0 : 1;
  parts_->probe->set(status_);
  for (const auto& each : parts_->services)
    caf::anon_send(each, commit_request{which.id});
  if (which.id == 0) {
    tell_job(checkpoint_news::begun);
    return;
  }
  schedule_->completed(which.id, now());
  for (const auto& each : parts_->sinks)
    caf::anon_send(each.actor, commit_request{which.id});
  if (last_order_ && which.id == last_) {
    last_is_durable_ = true;
    if (*last_order_ != checkpoint_order::finish)
      grace_ends_ = now() + sink_grace;
    end_if_committed();
  }
  arm();
}

void coordinator_state::has_failed(std::uint64_t id, std::uint64_t checkpoint_status::*counted,
                                   const error& why) {
  ++(status_.*counted);
  parts_->probe->set(status_);
  if (!schedule_) {
    // Checkpoint 0.
    end(checkpoint_news::failed, &why);
    return;
  }
  schedule_->failed(id, now());
  if (last_order_ && id == last_) {
    last_has_failed(why);
  } else {
    tell_of_failure(id, why);
    if (!last_order_ && schedule_->has_failed_too_often()) {
      const auto said
        = why.thing() == name_of(id) ? why.message() : why.thing() + ": " + why.message();
      const error final{why.kind(), name_of(id),
                        said + "; it is failure " + std::to_string(schedule_->failures_in_a_row())
                          + " in a row, and tolerated_failures is "
                          + std::to_string(parts_->with.timing.tolerated_failures.value_or(0))};
      end(checkpoint_news::failed, &final);
      return;
    }
  }
  arm();
}

coordinator_state::attempt* coordinator_state::collected(std::uint64_t id) {
  const auto at = std::find_if(attempts_.begin(), attempts_.end(), [&](const attempt& each) {
    return each.id == id && each.round != nullptr;
  });
  return at == attempts_.end() ? nullptr : &*at;
}

coordinator_state::attempt coordinator_state::take(std::uint64_t id) {
  const auto at = std::find_if(attempts_.begin(), attempts_.end(),
                               [&](const attempt& each) { return each.id == id; });
  auto taken = std::move(*at);
  attempts_.erase(at);
  return taken;
}

// -- the last one --

void coordinator_state::begin_last(checkpoint_order how) {
  last_order_ = how;
  last_ = schedule_->start_last(now());
  begin(last_, last_kind());
  arm();
}

void coordinator_state::last_has_failed(const error& why) {
  // Where the job only ends, what is not in it is read again; else it is all that is missing to the end.
  if (*last_order_ != checkpoint_order::finish || schedule_->has_failed_too_often())
    end(checkpoint_news::last_failed, &why);
  else
    tell_of_failure(last_, why);
}

checkpoint_kind coordinator_state::last_kind() const {
  switch (*last_order_) {
    case checkpoint_order::stop:
      return checkpoint_kind::stopped;
    case checkpoint_order::drain:
      return checkpoint_kind::drained;
    default:
      // Behind it comes the one that says that the run is finished.
      return checkpoint_kind::running;
  }
}

void coordinator_state::wait_for_sinks() {
  if (*last_order_ == checkpoint_order::finish)
    schedule_->handed_over(last_);
  else
    grace_ends_ = std::min(grace_ends_, now() + sink_grace);
  arm();
}

void coordinator_state::sinks_are_late() {
  if (last_is_durable_) {
    tell(parts_->log,
         {log_level::warning, name_of(last_),
          "not all of its output is visible yet: a sink takes too long to commit it; a start "
          "that goes on from it makes it visible"});
    end(checkpoint_news::last_done);
    return;
  }
  const auto late = take(last_);
  const error why{error_kind::timeout, name_of(last_),
                  "there is no answer yet of " + late.round->missing()};
  end(checkpoint_news::last_failed, &why);
}

void coordinator_state::end_if_committed() {
  if (over_ || marker_ || !last_is_durable_
      || std::any_of(parts_->sinks.begin(), parts_->sinks.end(),
                     [&](const coordinator_parts::sink& each) { return each.committed < last_; }))
    return;
  if (*last_order_ == checkpoint_order::finish)
    write_marker();
  else
    end(checkpoint_news::last_done);
}

void coordinator_state::write_marker() {
  marker_ = last_ + 1;
  attempts_.push_back({*marker_, now()});
  collected_checkpoint marker;
  marker.what.about = finished_behind(std::move(last_about_), *marker_, wall_time_ms());
  store(std::move(marker));
}

void coordinator_state::marker_is_written(const checkpoint_stored& what) {
  if (what.why == nullptr) {
    status_.last = what.checkpoint;
    status_.held = 0;
    parts_->probe->set(status_);
  } else {
    tell(parts_->log,
         {log_level::warning, name_of(what.checkpoint),
          "the output is complete, but it could not be noted that the job is finished: "
            + what.why->text() + "; a further start finds nothing to do and notes it"});
  }
  end(checkpoint_news::last_done);
}

void coordinator_state::end(checkpoint_news how, const error* why) {
  over_ = true;
  tell_job(how, why);
}

// -- what is told --

void coordinator_state::arm() {
  if (over_ || !schedule_)
    return;
  const auto due = std::min({schedule_->next_due(), schedule_->next_timeout(), grace_ends_});
  if (const auto at = wake_ups_.arm(due, now()))
    self_->scheduled_send(self_, *at, wake_up{*at});
}

void coordinator_state::tell_job(checkpoint_news what, const error* why) {
  self_->send(parts_->job, checkpoint_event{
                             what, why == nullptr ? nullptr : std::make_shared<const error>(*why)});
}

void coordinator_state::tell_of_failure(std::uint64_t id, const error& why) {
  const auto untold = failure_reports_.happened(now());
  if (!untold)
    return;
  const auto in_a_row = schedule_->failures_in_a_row();
  tell(parts_->log, {log_level::warning, name_of(id),
                     "it failed: " + why.text() + "; the job goes on, "
                       + (status_.last ? "the last complete one is " + std::to_string(*status_.last)
                                       : "none is complete yet")
                       + " (" + std::to_string(in_a_row)
                       + (in_a_row == 1 ? " failure" : " failures") + " in a row)"});
}

coordinator_actor::behavior_type coordinator(coordinator_state::self_pointer self,
                                             std::shared_ptr<coordinator_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
