// SPDX-License-Identifier: Apache-2.0
#include "source_stage.hpp"

#include "guarded.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace weir {

namespace {

struct stored_counter {
  std::string_view name;
  counter source_probe::*of;
};

/// How far it has read its body knows by itself.
constexpr stored_counter stored_counters[] = {{"records_out", &source_probe::records_out},
                                              {"sent", &source_probe::sent},
                                              {"skipped", &source_probe::skipped},
                                              {"dead_letters", &source_probe::dead_letters}};

} // namespace

source_stage_state::~source_stage_state() {
  close();
}

source_actor::behavior_type
source_stage_state::make_behavior(std::shared_ptr<source_parts> parts) {
  parts_ = std::move(parts);
  auto& of = parts_->instance;
  report_exceptions(self_, of);
  const auto send = [this](const lane_target& to, batch_handle full) {
    self_->send(to.to, to.channel, std::move(full));
  };
  results_ = make_output_port(of.results, parts_->body->record_batch(), of.batches, send);
  if (!of.dead_letters.empty())
    dead_letters_
      = make_output_port(of.dead_letters, parts_->body->dead_letter_batch(), of.batches, send);
  controls_.emplace(std::move(parts_->controls), *parts_->body, *results_, dead_letters_.get());
  return {
    [this](caf::open_atom) { on_open(); },
    [this](run_atom) { on_run(); },
    [this](const stop_request&) { self_->quit(); },
    [this](lane_id lane, const credit& more, batch_handle& spare) {
      on_credit(lane, more, std::move(spare));
    },
    [this](caf::flush_atom) { on_flush(); },
    [this](fd_ready_atom) { on_fd_ready(); },
    [this](const wake_up& armed) { on_wake_up(armed); },
    [this](drain_atom) { on_drain(); },
    [this](const checkpoint_request& what) { on_checkpoint(what); },
  };
}

void source_stage_state::on_open() {
  const auto& context = parts_->instance.context;
  if (parts_->restored != nullptr)
    go_on_from(*parts_->restored);
  const auto opened = guarded(context.stage, [&] { return parts_->body->open(context); });
  if (!opened) {
    fail(opened.why());
    return;
  }
  phase_ = phase::open;
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::opened);
}

void source_stage_state::on_run() {
  attach_to(self_, results_->targets(), 0);
  if (dead_letters_)
    attach_to(self_, dead_letters_->targets(), 1);
  is_attached_ = true;
  if (phase_ != phase::open)
    return;
  phase_ = phase::running;
  if (has_read_all_)
    end(stage_event::finished);
  else
    read();
}

void source_stage_state::on_credit(lane_id lane, const credit& more, batch_handle spare) {
  (lane.output == 0 ? *results_ : *dead_letters_).grant(lane.lane, more, std::move(spare));
  if (phase_ == phase::running && !flushing_)
    read();
  else if (send_ready() && phase_ == phase::waiting)
    after(time().now);
}

void source_stage_state::on_flush() {
  flushing_ = false;
  if (phase_ == phase::running)
    read();
}

void source_stage_state::on_fd_ready() {
  awaited_.reset();
  if (phase_ != phase::waiting)
    return;
  phase_ = phase::running;
  read();
}

void source_stage_state::on_wake_up(const wake_up& armed) {
  wake_ups_.arrived(armed.due);
  if (!is_reading())
    return;
  const auto at = time();
  if (controls_->must_look(at.now) && !flushing_) {
    read();
    return;
  }
  controls_->tick(at);
  if (send_ready())
    after(at.now);
}

void source_stage_state::on_drain() {
  if (is_reading())
    end(stage_event::cut_short);
}

void source_stage_state::on_checkpoint(const checkpoint_request& what) {
  // First of all, and also where it cannot say where it stands: who has other inputs too waits for
  // the barrier of each.
  if (is_attached_)
    controls_->pass_barrier(what.checkpoint, what.last);
  if (what.last && is_open())
    phase_ = phase::resting;
  const auto id = parts_->instance.id;
  auto saved = guarded(parts_->instance.context.stage, [&] { return save(); });
  if (saved)
    self_->send(parts_->coordinator, instance_saved{what.checkpoint, id, *std::move(saved)});
  else
    self_->send(parts_->coordinator, instance_unsaved{what.checkpoint, id, std::move(saved).why()});
}

void source_stage_state::go_on_from(const instance_summary& of) {
  auto& probe = *parts_->probe;
  parts_->instance.context.resume = of.positions;
  if (of.times) {
    controls_->go_on_from(*of.times);
    has_read_all_ = of.times->ended;
  }
  for (const auto& each : of.counters)
    for (const auto& known : stored_counters)
      if (each.name == known.name)
        (probe.*known.of).set(each.count);
  before_ = {probe.records_out.value(), probe.sent.value(), probe.skipped.value(),
             probe.dead_letters.value()};
}

expected<std::shared_ptr<saved_instance>> source_stage_state::save() {
  auto at = positions();
  if (!at)
    return std::move(at).why();
  auto saved = std::make_shared<saved_instance>();
  auto& summary = saved->summary;
  summary.positions = *std::move(at);
  summary.times = controls_->said();
  summary.times->ended = has_read_all_;
  for (const auto& each : stored_counters)
    summary.counters.push_back({std::string{each.name}, (parts_->probe.get()->*each.of).value()});
  return saved;
}

expected<std::vector<split_position>> source_stage_state::positions() {
  if (last_positions_)
    return *last_positions_;
  const auto& stage = parts_->instance.context.stage;
  if (!is_open())
    return error{error_kind::internal, stage, "it is not open"};
  auto all = guarded(stage, [&] { return parts_->body->positions(); });
  if (!all)
    return all;
  for (const auto& each : *all)
    if (each.position.size() > split_position::position_bytes_max)
      return error{error_kind::argument, stage,
                   "its position in split " + std::to_string(each.split) + " has "
                     + std::to_string(each.position.size())
                     + " bytes; at most 64 KiB can be stored"};
  if (phase_ == phase::resting) {
    last_positions_ = *all;
    close();
  }
  return all;
}

void source_stage_state::rest() {
  phase_ = phase::resting;
  // What it cannot say now it is asked for again.
  if (!parts_->instance.context.checkpointed)
    close();
  else
    static_cast<void>(positions());
}

void source_stage_state::read() {
  const auto at = time();
  if (!controls_->has_room()) {
    if (send_ready())
      after(at.now);
    return;
  }
  auto out = controls_->begin_poll(at);
  const auto polled = guarded(parts_->instance.context.stage, [&] { return parts_->body->poll(out); });
  if (!polled) {
    fail(polled.why());
    return;
  }
  controls_->end_poll();
  if (!send_ready())
    return;
  switch (polled->state) {
    case poll_state::more:
      phase_ = phase::running;
      // A bounded amount a message: drain and stop must get their turn.
      if (controls_->has_room()) {
        flushing_ = true;
        self_->send(self_, caf::flush_atom::value);
      }
      break;
    case poll_state::wait:
      phase_ = phase::waiting;
      wait_for(polled->wait);
      break;
    case poll_state::done:
      end(stage_event::finished);
      return;
  }
  after(at.now);
}

void source_stage_state::wait_for(const fd_wait& what) {
  // A source that was asked before its descriptor was ready is waiting for it already.
  if (awaited_ && awaited_->fd == what.fd && awaited_->writable == what.writable)
    return;
  awaited_ = what;
  parts_->instance.wait_for_fd(what, [to = self_->address()] {
    if (auto alive = caf::actor_cast<caf::actor>(to))
      caf::anon_send(alive, fd_ready_atom::value);
  });
}

void source_stage_state::after(time_point now) {
  controls_->note_room(now);
  if (const auto at = wake_ups_.arm(controls_->next_due(), now))
    self_->scheduled_send(self_, *at, wake_up{*at});
}

void source_stage_state::end(stage_event why) {
  controls_->end(time());
  if (steps_have_failed())
    return;
  has_read_all_ = why == stage_event::finished;
  // Before the end is on its way: what the end brings about must stand behind this in the job's mailbox.
  self_->send(parts_->instance.job, parts_->instance.id, why);
  if (send_ready())
    rest();
}

void source_stage_state::close() noexcept {
  if (parts_ == nullptr || !is_open())
    return;
  phase_ = phase::ended;
  try {
    parts_->body->close();
  } catch (...) {
    // All has been read or is given up: nobody is left whom a failure to close could stop.
  }
}

void source_stage_state::fail(error why, std::string record) {
  close();
  self_->send(parts_->instance.job, parts_->instance.id,
              stage_failure{std::move(why), std::move(record)});
}

bool source_stage_state::send_ready() {
  results_->flush();
  if (dead_letters_)
    dead_letters_->flush();
  auto& probe = *parts_->probe;
  probe.records_out.set(before_.records_out + results_->records());
  probe.dead_letters.set(before_.dead_letters + (dead_letters_ ? dead_letters_->records() : 0));
  probe.sent.set(before_.sent + results_->sent() + (dead_letters_ ? dead_letters_->sent() : 0));
  if (!is_open())
    return false;
  probe.skipped.set(before_.skipped + parts_->body->skipped());
  const auto progress = parts_->body->progress();
  probe.read.set(progress.read);
  probe.total.set(progress.total.value_or(0));
  return !steps_have_failed();
}

bool source_stage_state::steps_have_failed() {
  const auto* failed = &controls_->failure();
  for (const auto* each : {results_.get(), dead_letters_.get()})
    if (each != nullptr && each->failure())
      failed = &each->failure();
  if (!*failed)
    return false;
  auto of = failure_of(parts_->instance.context.stage, **failed);
  fail(std::move(of.why), std::move(of.record));
  return true;
}

message_time source_stage_state::time() const {
  return {self_->clock().now(),
          controls_->wants_wall_time() ? parts_->read_wall_clock() : event_time::none()};
}

source_actor::behavior_type source_stage(source_stage_state::self_pointer self,
                                         std::shared_ptr<source_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
