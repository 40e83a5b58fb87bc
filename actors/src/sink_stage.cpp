// SPDX-License-Identifier: Apache-2.0
#include "sink_stage.hpp"

#include "guarded.hpp"

#include <utility>

namespace weir {

namespace {

constexpr std::string_view records_in = "records_in";

std::uint64_t records_in_of(const instance_summary& from) {
  for (const auto& each : from.counters)
    if (each.name == records_in)
      return each.count;
  return 0;
}

} // namespace

sink_stage_state::~sink_stage_state() {
  if (parts_ != nullptr)
    abandon(false);
}

sink_actor::behavior_type sink_stage_state::make_behavior(std::shared_ptr<sink_parts> parts) {
  parts_ = std::move(parts);
  report_exceptions(self_, parts_->instance);
  input_.emplace(parts_->instance.channels, parts_->instance.batches,
                 [this](const credit_receiver& to, lane_id lane, const credit& more,
                        batch_handle spare) { self_->send(to, lane, more, std::move(spare)); });
  return {
    [this](caf::open_atom) { on_open(); },
    [](run_atom) {},
    [this](const stop_request& how) { on_stop(how); },
    [this](attach_atom, channel_id channel, lane_id lane, const credit_receiver& from) {
      input_->attach(channel, lane, from);
    },
    [this](channel_id channel, batch_handle& in) { on_batch(channel, std::move(in)); },
    [this](caf::flush_atom) { on_flush(); },
    [this](fd_ready_atom) { on_fd_ready(); },
    [this](prepare_atom) { on_prepare(); },
    [this](const recover_request& what) { on_recover(what); },
    [this](const commit_request& what) { on_commit(what); },
  };
}

void sink_stage_state::on_open() {
  const auto& who = parts_->instance.context;
  if (const auto opened = guarded(who.stage, [&] { return parts_->body->open(who); }); !opened) {
    fail(opened.why());
    return;
  }
  phase_ = phase::writing;
  if (parts_->restored != nullptr) {
    records_ = records_in_of(*parts_->restored);
    parts_->probe->records_in.set(records_);
  }
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::opened);
}

void sink_stage_state::on_stop(const stop_request& how) {
  if (how.take_back && phase_ == phase::committed)
    phase_ = phase::prepared;
  abandon(how.keep_partial);
  self_->quit();
}

void sink_stage_state::on_batch(channel_id channel, batch_handle in) {
  input_->receive(channel, std::move(in));
  if (!parts_->coordinator)
    while (input_->reached_barrier())
      input_->pass_barrier();
  if (!waiting_)
    write();
}

void sink_stage_state::on_flush() {
  flushing_ = false;
  if (waiting_)
    return;
  if (phase_ == phase::preparing)
    prepare_end();
  else if (phase_ == phase::writing && has_input())
    write();
  else if (phase_ == phase::writing)
    flush();
}

void sink_stage_state::on_fd_ready() {
  waiting_ = false;
  if (phase_ == phase::preparing)
    prepare_end();
  else
    write();
}

void sink_stage_state::on_prepare() {
  if (phase_ != phase::writing)
    return;
  phase_ = phase::preparing;
  if (!waiting_)
    prepare_end();
}

void sink_stage_state::on_recover(const recover_request& what) {
  const auto& stage = parts_->instance.context.stage;
  const auto said = guarded(stage, [&] { return parts_->body->recover(*what.from); });
  if (!said) {
    fail(said.why());
    return;
  }
  for (const auto& line : *said)
    tell(parts_->instance.log, {log_level::warning, stage, line});
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::recovered);
}

void sink_stage_state::on_commit(const commit_request& what) {
  if (phase_ == phase::closed || phase_ == phase::failed)
    return;
  // Else it is what the one that waits has been waiting for.
  if (committing_ && what.checkpoint > *committing_) {
    committing_ = what.checkpoint;
    return;
  }
  const auto up_to = committing_.value_or(what.checkpoint);
  committing_ = up_to;
  const auto done
    = guarded(parts_->instance.context.stage, [&] { return parts_->body->commit(up_to); });
  if (!done)
    fail(done.why());
  else if (done->state == poll_state::wait)
    wait_for(done->wait, commit_request{up_to});
  else if (done->state == poll_state::more)
    self_->send(self_, commit_request{up_to});
  else
    committed(up_to);
}

void sink_stage_state::committed(std::uint64_t checkpoint) {
  committing_.reset();
  if (!parts_->coordinator) {
    phase_ = phase::committed;
    self_->send(parts_->instance.job, parts_->instance.id, stage_event::committed);
    return;
  }
  complete_ = last_ && checkpoint >= *last_;
  self_->send(parts_->coordinator, instance_committed{checkpoint, parts_->instance.id});
}

bool sink_stage_state::has_input() {
  return !input_->empty() || input_->reached_barrier();
}

void sink_stage_state::write() {
  while (phase_ == phase::writing) {
    const auto checkpoint = input_->reached_barrier();
    if (checkpoint && input_->is_front_taken()) {
      if (!answer(*checkpoint))
        return;
    } else if (input_->empty()) {
      flush_soon();
      return;
    } else if (!write_front()) {
      return;
    }
  }
  if (phase_ == phase::preparing)
    prepare_end();
}

bool sink_stage_state::write_front() {
  auto& in = input_->front();
  auto& at = input_->cursor();
  if (!write_records(in, at))
    return false;
  if (at.at_control(in))
    take(in.controls()[at.control++].what);
  if (at.at_end(in))
    input_->pop();
  return true;
}

void sink_stage_state::take(const control& what) {
  if (what.kind() != control_kind::end)
    return;
  if (!parts_->coordinator) {
    phase_ = phase::preparing;
    return;
  }
  ended_ = true;
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::finished);
}

void sink_stage_state::flush_soon() {
  if (!std::exchange(flushing_, true))
    self_->send(self_, caf::flush_atom::value);
}

bool sink_stage_state::write_records(batch_base& in, batch_cursor& at) {
  const auto& controls = in.controls();
  const auto end = at.control < controls.size() ? controls[at.control].before : in.records();
  if (at.record == end)
    return true;
  const auto before = at.record;
  const auto written
    = guarded(parts_->instance.context.stage, [&] { return parts_->body->write(in, at.record, end); });
  records_ += at.record - before;
  parts_->probe->records_in.set(records_);
  return settled(written);
}

void sink_stage_state::flush() {
  settled(guarded(parts_->instance.context.stage, [&] { return parts_->body->flush(); }));
}

// -- at a barrier --

bool sink_stage_state::answer(std::uint64_t checkpoint) {
  const auto& stage = parts_->instance.context.stage;
  if (!settled(guarded(stage, [&] { return parts_->body->prepare(checkpoint, ended_); })))
    return false;
  complete_ = false;
  if (ended_)
    last_ = checkpoint;
  input_->pass_barrier();
  auto saved = guarded(stage, [&] { return save(); });
  if (saved)
    self_->send(parts_->coordinator,
                instance_saved{checkpoint, parts_->instance.id, *std::move(saved)});
  else
    self_->send(parts_->coordinator,
                instance_unsaved{checkpoint, parts_->instance.id, std::move(saved).why()});
  return true;
}

expected<std::shared_ptr<saved_instance>> sink_stage_state::save() {
  auto pending = parts_->body->pending();
  if (pending.state.size() > instance_summary::pending_bytes_max)
    return error{error_kind::argument, parts_->instance.context.stage,
                 "says more than 1 MiB of its pending output; let `pending` say less"};
  auto saved = std::make_shared<saved_instance>();
  saved->summary.pending_output = std::move(pending.state);
  saved->summary.counters.push_back({std::string{records_in}, records_});
  saved->make_durable = std::move(pending.make_durable);
  return saved;
}

// -- at the end, where there are no checkpoints --

void sink_stage_state::prepare_end() {
  const auto& stage = parts_->instance.context.stage;
  if (!settled(
        guarded(stage, [&] { return parts_->body->prepare(only_checkpoint, /*last=*/true); })))
    return;
  if (const auto durable = guarded(stage, [&] { return make_durable(); }); !durable) {
    fail(durable.why());
    return;
  }
  phase_ = phase::prepared;
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::finished);
}

expected<void> sink_stage_state::make_durable() {
  auto ready = parts_->body->pending();
  return ready.make_durable ? ready.make_durable() : expected<void>{};
}

void sink_stage_state::abandon(bool keep_partial) noexcept {
  if (phase_ == phase::closed || phase_ == phase::committed || complete_)
    return;
  phase_ = phase::closed;
  try {
    parts_->body->abandon(keep_partial);
  } catch (...) {
    // The job has failed already; there is nobody to tell.
  }
}

bool sink_stage_state::settled(const expected<poll_result>& of) {
  if (!of) {
    fail(of.why());
    return false;
  }
  if (of->state == poll_state::done)
    return true;
  if (of->state == poll_state::more) {
    // A bounded amount a message: stop must get its turn.
    flush_soon();
    return false;
  }
  waiting_ = true;
  wait_for(of->wait, fd_ready_atom::value);
  return false;
}

template <class Message>
void sink_stage_state::wait_for(const fd_wait& what, const Message& message) {
  parts_->instance.wait_for_fd(what, [to = self_->address(), message] {
    if (auto alive = caf::actor_cast<caf::actor>(to))
      caf::anon_send(alive, message);
  });
}

void sink_stage_state::fail(error why) {
  // What was opened is abandoned when the job stops this instance.
  phase_ = phase_ == phase::closed ? phase::closed : phase::failed;
  self_->send(parts_->instance.job, parts_->instance.id, stage_failure{std::move(why), {}});
}

sink_actor::behavior_type sink_stage(sink_stage_state::self_pointer self,
                                     std::shared_ptr<sink_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
