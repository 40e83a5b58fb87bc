// SPDX-License-Identifier: Apache-2.0
#include "coordinator.hpp"

#include "guarded.hpp"
#include "sink_grace.hpp"
#include "stored_status.hpp"

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

/// What the probe says of a checkpoint once it is stored.
struct stored_checkpoint {
  std::uint64_t id = 0;
  checkpoint_kind kind{};
  std::int64_t made_at_ms = 0;
  std::uint64_t held = 0;
  duration took{};
  std::uint64_t bytes = 0;

  void operator()(checkpoint_status& now) const {
    now.last = id;
    now.held = held;
    if (kind == checkpoint_kind::finished)
      return;
    now.last_took = took;
    now.last_bytes = bytes;
    now.last_made_at_ms = made_at_ms;
    now.completed += kind == checkpoint_kind::begun ? 0 : 1;
  }
};

} // namespace

coordinator_actor::behavior_type coordinator_state::make_behavior(
  std::shared_ptr<coordinator_parts> parts) {
  parts_ = std::move(parts);
  const auto& with = parts_->with;
  writer_ = std::make_shared<checkpoint_writer>(with.store, with.keep, parts_->log);
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
      if (!parts_->from)
        begin(0, checkpoint_kind::begun);
      else if (parts_->with.newer_checkpoints.empty())
        tell_job(checkpoint_news::begun);
      else
        put_newer_away();
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
      if (last_order_)
        hurry(what);
      else
        begin_last(what);
      break;
  }
}

void coordinator_state::on_stored(const checkpoint_stored& what) {
  if (over_)
    return;
  take(what.checkpoint);
  if (!schedule_ && parts_->from)
    newer_are_away(what);
  else if (marker_ == what.checkpoint)
    marker_is_written(what);
  else if (what.why == nullptr)
    is_durable(what.checkpoint);
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
  // What was given up there is under way for the schedule still.
  if (!over_)
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
  // What is done behind the last one would be done again, also where the input had ended; but where all is
  // finished nothing is left to be done.
  const checkpoint_request what{id, last_order_ && *last_order_ != checkpoint_order::finish};
  for (const auto& each : parts_->sources)
    caf::anon_send(each, what);
  for (const auto& each : parts_->services)
    caf::anon_send(each, what);
}

void coordinator_state::hand_over(attempt& which) {
  auto all = which.round->take(now(), wall_time_ms());
  which.round.reset();
  auto& about = all.what.about;
  write_gone(about, parts_->gone);
  // Where sources were told to drain operators may have seen ends behind which there is more to read, in
  // whichever round it was.
  if (draining_ && about.kind != checkpoint_kind::begun)
    about.kind = checkpoint_kind::drained;
  if (schedule_)
    schedule_->handed_over(which.id);
  if (last_order_ && which.id == last_) {
    grace_ends_ = time_point::max();
    last_about_ = about;
  }
  store(std::move(all), which.began);
}

void coordinator_state::store(collected_checkpoint what, time_point began) {
  const auto to = self_->address();
  parts_->with.on->run([writer = writer_, to, began, at = now(), what = std::move(what),
                        probe = parts_->probe, &clock = self_->clock(),
                        is_alive = std::weak_ptr{is_alive_}]() mutable {
    if (is_alive.expired())
      return;
    const auto& about = what.what.about;
    const auto run = about.run_number;
    stored_checkpoint stored{about.checkpoint, about.kind, about.made_at_ms, held_in(about)};
    checkpoint_stored result{about.checkpoint};
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
    // Here and not where it is heard of: the launch may be over by then.
    if (is_whole) {
      stored.took = clock.now() - began;
      stored.bytes = result.bytes;
      probe->change(stored);
    }
    if (auto alive = caf::actor_cast<caf::actor>(to))
      caf::anon_send(alive, std::move(result));
    // Behind it: sinks need not wait for that.
    if (is_whole)
      writer->prune(run, at);
  });
}

void coordinator_state::put_newer_away() {
  const auto from = *parts_->from;
  attempts_.push_back({from, now()});
  parts_->with.on->run([writer = writer_, to = self_->address(), from, run = parts_->with.run.run_number,
                        newer = parts_->with.newer_checkpoints,
                        is_alive = std::weak_ptr{is_alive_}] {
    if (is_alive.expired())
      return;
    checkpoint_stored result{from};
    if (auto done = writer->put_away(run, newer); !done)
      result.why = std::make_shared<const error>(std::move(done).why());
    if (auto alive = caf::actor_cast<caf::actor>(to))
      caf::anon_send(alive, std::move(result));
  });
}

void coordinator_state::newer_are_away(const checkpoint_stored& what) {
  if (what.why == nullptr)
    tell_job(checkpoint_news::begun);
  else
    end(checkpoint_news::failed, what.why.get());
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

void coordinator_state::is_durable(std::uint64_t id) {
  for (const auto& each : parts_->services)
    caf::anon_send(each, commit_request{id});
  if (id == 0) {
    tell_job(checkpoint_news::begun);
    return;
  }
  schedule_->completed(id, now());
  for (const auto& each : parts_->sinks)
    caf::anon_send(each.actor, commit_request{id});
  if (last_order_ && id == last_) {
    last_is_durable_ = true;
    if (*last_order_ != checkpoint_order::finish) {
      parts_->probe->set_counted(status_in(last_about_));
      grace_ends_ = now() + sink_grace;
    }
    end_if_committed();
  }
  arm();
}

void coordinator_state::has_failed(std::uint64_t id, std::uint64_t checkpoint_status::*counted,
                                   const error& why) {
  parts_->probe->change([&](checkpoint_status& now) { ++(now.*counted); });
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

bool coordinator_state::is_under_way(std::uint64_t id) const {
  return std::any_of(attempts_.begin(), attempts_.end(),
                     [&](const attempt& each) { return each.id == id; });
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
  finishes_ = how == checkpoint_order::finish;
  try_last();
}

void coordinator_state::try_last() {
  last_ = schedule_->start_last(now());
  begin(last_, last_kind());
  arm();
}

void coordinator_state::hurry(checkpoint_order how) {
  if (over_ || marker_)
    return;
  last_order_ = how;
  const auto* const at = collected(last_);
  if (last_is_durable_) {
    grace_ends_ = now() + sink_grace;
    arm();
  } else if (at != nullptr && at->round->waits_for_sinks_alone()) {
    wait_for_sinks();
  } else if (!is_under_way(last_)) {
    // It has failed, and is due again some time.
    try_last();
  }
}

void coordinator_state::last_has_failed(const error& why) {
  // Where the job only ends, what is not in it is read again; else it is all that is missing to the end.
  if (*last_order_ != checkpoint_order::finish || schedule_->has_failed_too_often())
    end(checkpoint_news::last_failed, &why);
  else
    tell_of_failure(last_, why);
}

checkpoint_kind coordinator_state::last_kind() const {
  // Behind it comes the one that says that the run is finished.
  if (finishes_)
    return checkpoint_kind::running;
  return last_order_ == checkpoint_order::stop ? checkpoint_kind::stopped : checkpoint_kind::drained;
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
  if (finishes_)
    write_marker();
  else
    end(checkpoint_news::last_done);
}

void coordinator_state::write_marker() {
  tell_job(checkpoint_news::visible);
  grace_ends_ = time_point::max();
  marker_ = last_ + 1;
  attempts_.push_back({*marker_, now()});
  collected_checkpoint marker;
  marker.what.about = finished_behind(std::move(last_about_), *marker_, wall_time_ms());
  store(std::move(marker), now());
}

void coordinator_state::marker_is_written(const checkpoint_stored& what) {
  if (what.why != nullptr)
    tell(parts_->log,
         {log_level::warning, name_of(what.checkpoint),
          "the output is complete, but it could not be noted that the job is finished: "
            + what.why->text() + "; a further start finds nothing to do and notes it"});
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
  const auto last = parts_->probe->get().last;
  tell(parts_->log, {log_level::warning, name_of(id),
                     "it failed: " + why.text() + "; the job goes on, "
                       + (last ? "the last complete one is " + std::to_string(*last)
                               : "none is complete yet")
                       + " (" + std::to_string(in_a_row)
                       + (in_a_row == 1 ? " failure" : " failures") + " in a row)"});
}

coordinator_actor::behavior_type coordinator(coordinator_state::self_pointer self,
                                             std::shared_ptr<coordinator_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
