// SPDX-License-Identifier: Apache-2.0
#include "operator_stage.hpp"

#include "delivery_port.hpp"
#include "guarded.hpp"
#include "operator_counters.hpp"

#include "weir/entry_codec.hpp"
#include "weir/state_error.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

namespace {

/// `call()`'s result, or the error by which state could not be written or read.
template <class Call>
auto guarded_state(const std::string& stage, Call&& call) -> decltype(call()) {
  return guarded(stage, [&]() -> decltype(call()) {
    try {
      return call();
    } catch (const state_error& thrown) {
      const auto& why = thrown.why();
      return error{why.kind(), why.thing().empty() ? "operator " + stage : why.thing(),
                   why.message()};
    }
  });
}

} // namespace

/// What the user's function sees of the stage.
class operator_stage_state::context final : public function_context {
public:
  explicit context(self_pointer self) : self_(self) {}

  pool_client& bind(const pool_id& pool) override {
    const auto& parts = *self_->state.parts_;
    if (pool.number >= parts.pools.size() || parts.pools[pool.number].identity != pool.identity)
      throw std::invalid_argument(
        parts.pools.empty() ? "it binds a client pool, and none is known here; an operator_harness is "
                              "given the environment that made the pool"
                            : "it binds a client pool that was made by another environment");
    auto& asked = pools_[pool.number];
    if (asked == nullptr) {
      asked = std::make_unique<asked_pool>();
      self_->send(parts.pools[pool.number].actor, caf::join_atom::value, parts.instance.id.number,
                  pool_user{self_});
    }
    return asked->client;
  }

  struct asked_pool {
    pool_client client;
    /// Memory for what is asked next, and for what is answered.
    std::shared_ptr<std::vector<question>> spare_questions = std::make_shared<std::vector<question>>();
    std::shared_ptr<std::vector<call_result>> spare_results{};
  };

  /// By their numbers.
  std::map<std::uint32_t, std::unique_ptr<asked_pool>>& pools() noexcept { return pools_; }

private:
  /// More is a name made from data, which would grow for ever.
  static constexpr std::size_t counters_max = 100;

  weir::counter& find_counter(std::string_view called) override {
    auto& all = self_->state.parts_->probe->own;
    if (all.size() == counters_max && !all.contains(called))
      throw std::invalid_argument("counter \"" + std::string{called} + "\": there are "
                                  + std::to_string(counters_max)
                                  + " counters already; do not make their names from data");
    return all.find(called);
  }

  self_pointer self_;
  std::map<std::uint32_t, std::unique_ptr<asked_pool>> pools_;
};

operator_stage_state::operator_stage_state(self_pointer self) : self_(self) {}

operator_stage_state::~operator_stage_state() {
  if (body_ != nullptr)
    body_->close();
}

operator_actor::behavior_type
operator_stage_state::make_behavior(std::shared_ptr<operator_stage_parts> parts) {
  parts_ = std::move(parts);
  report_exceptions(self_, parts_->instance);
  input_.emplace(parts_->instance.channels, parts_->instance.batches,
                 [this](const credit_receiver& to, lane_id lane, const credit& more,
                        batch_handle spare) {
                   if (feed_)
                     feed_->give_back(more, std::move(spare));
                   else
                     self_->send(to, lane, more, std::move(spare));
                 });
  if (const auto& service = parts_->plan.service)
    feed_.emplace(service->feed(), parts_->lane);
  return {
    [this](caf::open_atom) { on_open(); },
    [this](run_atom) { on_run(); },
    [this](const stop_request&) { self_->quit(); },
    [this](lane_id lane, const credit& more, batch_handle& spare) {
      on_credit(lane, more, std::move(spare));
    },
    [this](attach_atom, channel_id channel, lane_id lane, const credit_receiver& from) {
      on_attach(channel, lane, from);
    },
    [this](channel_id channel, batch_handle& in) { on_batch(channel, std::move(in)); },
    [this](caf::flush_atom) { on_flush(); },
    [this](completions_atom) { on_completions(); },
    [this](pushed_atom) { on_pushed(); },
    [this](const checkpoint_request& what) { on_checkpoint(what); },
    [this](const commit_request& what) { on_durable(what); },
    [this](const wake_up& armed) { on_wake_up(armed); },
    [this](const pool_results& of_pool) { on_pool_results(of_pool); },
  };
}

void operator_stage_state::on_open() {
  const auto& who = parts_->instance.context;
  const auto opened = guarded(who.stage, [&] {
    if (parts_->restored != nullptr)
      restore_counters(parts_->restored->summary);
    else if (parts_->counted != nullptr)
      restore_counters(*parts_->counted);
    make_body();
    auto done = open_body();
    return done && parts_->restored != nullptr ? restore() : std::move(done);
  });
  if (!opened) {
    fail(opened.why(), {});
    return;
  }
  // Already now: there may be a checkpoint before anything runs.
  if (feed_)
    feed_->begin([to = self_->address()] {
      if (auto alive = caf::actor_cast<caf::actor>(to))
        caf::anon_send(alive, pushed_atom::value);
    });
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::opened);
}

void operator_stage_state::make_body() {
  const auto& service = parts_->plan.service;
  operator_parts of{parts_->plan.options, parts_->plan.mode, parts_->seed,
                    [to = self_->address()] {
                      if (auto alive = caf::actor_cast<caf::actor>(to))
                        caf::anon_send(alive, completions_atom::value);
                    },
                    parts_->waiting,
                    [probe = parts_->probe](duration took, std::uint64_t n) {
                      probe->call_duration.observe(took, n);
                    },
                    [this] { return now(); },
                    [this](duration took) { on_blocking_call(took); }};
  body_ = service ? service->make_body(std::move(of), feed_->desk())
                  : parts_->plan.make(std::move(of));
  make_ports();
}

void operator_stage_state::make_ports() {
  const auto& of = parts_->instance;
  if (const auto& service = parts_->plan.service) {
    auto results = std::make_unique<delivery_port>(
      body_->result_batch(), service->results(),
      [&to = *service, lane = of.context.subtask](const control& what) { to.leaves(lane, what); });
    if (auto* to = service->dead_letters())
      dead_letters_ = std::make_unique<dead_letter_port>(body_->dead_letter_batch(), *to, *results);
    results_ = std::move(results);
    return;
  }
  const auto send = [this](const lane_target& to, batch_handle full) {
    self_->send(to.to, to.channel, std::move(full));
  };
  results_ = make_output_port(of.results, body_->result_batch(), of.batches, send);
  if (!of.dead_letters.empty())
    dead_letters_
      = make_output_port(of.dead_letters, body_->dead_letter_batch(), of.batches, send);
}

expected<void> operator_stage_state::open_body() {
  const auto& who = parts_->instance.context;
  context_ = std::make_unique<context>(self_);
  context_->job = who.job;
  context_->run = parts_->run;
  context_->name = who.stage;
  context_->subtask = who.subtask;
  context_->parallelism = who.parallelism;
  context_->restored = parts_->restored != nullptr;
  return body_->open(*context_);
}

void operator_stage_state::restore_counters(const instance_summary& from) {
  auto& probe = *parts_->probe;
  read_counters(from, probe);
  counted_before_
    = {probe.records_in.value(), probe.records_finished.value(), probe.records_out.value(),
       probe.calls.value(),      probe.retries.value(),          probe.timeouts.value(),
       probe.dropped.value(),    probe.dead_letters.value(),     probe.late_completions.value()};
  sent_before_ = probe.sent.value();
}

expected<void> operator_stage_state::restore() {
  const auto& stage = parts_->instance.context.stage;
  return guarded_state(stage, [&]() -> expected<void> {
    const auto& from = *parts_->restored;
    const auto codecs = find_codecs(parts_->plan);
    if (!codecs)
      return codecs.why();
    for (const auto& [stored, codec] : {std::pair{&from.in, codecs->in}, {&from.out, codecs->out}})
      if (stored->name != codec->name)
        return error{error_kind::incompatible, "operator " + stage,
                     "its checkpoint holds records of the type " + stored->name + ", and it has "
                       + codec->name
                       + "; give a type that was renamed its old name (WEIR_STORED_AS)"};
    std::shared_ptr<batch_base> waiting = body_->input_batch();
    channel_states said;
    try {
      stored_entry_reader reader{from.bytes,
                                 {codecs->in, from.in.version},
                                 {codecs->out, from.out.version},
                                 "operator " + stage,
                                 from.input_goes_on};
      body_->restore(reader, parts_->restore_how);
      reader.read_waiting(*waiting);
      said = reader.read_channels();
      reader.end();
    } catch (const state_error& thrown) {
      return state_not_read(thrown.why(), "operator " + stage, from.in, from.out, from.checkpoint);
    }
    if (said.channels.size() != parts_->instance.channels)
      return error{error_kind::incompatible, "operator " + stage,
                   "its checkpoint has " + std::to_string(said.channels.size())
                     + " input channels, and it has " + std::to_string(parts_->instance.channels)};
    if (feed_)
      restore_feed(*waiting, said.watermark);
    input_->restore(std::move(waiting), std::move(said));
    waits_for_room_ = true;
    // Its memory is of use to others.
    parts_->restored = nullptr;
    return {};
  });
}

void operator_stage_state::restore_feed(const batch_base& waiting, event_time said) {
  feed_->restored(waiting.records(), waiting.bytes());
  const auto& controls = waiting.controls();
  const bool holds_watermark
    = parts_->restored->summary.entries.borders > 0
      || std::any_of(controls.begin(), controls.end(), [](const batch_base::placed_control& each) {
           return each.what.kind() == control_kind::watermark;
         });
  if (said.has_value() && !holds_watermark)
    parts_->plan.service->has_left(parts_->instance.context.subtask, said);
}

void operator_stage_state::on_blocking_call(duration took) {
  auto& count = parts_->probe->blocking_calls;
  count.set(count.value() + 1);
  const auto untold = blocking_reports_.happened(now());
  const auto& of = parts_->instance;
  if (!untold || !of.log)
    return;
  auto message = "a call of its function held the operator's thread for "
                 + std::to_string(took / std::chrono::milliseconds{1})
                 + " ms, in which nothing else can happen; let it start the call and return: use the "
                   "client's asynchronous form, or a client pool, which waits on threads of its own";
  if (*untold > 0)
    message += " (" + std::to_string(*untold) + " more since the last report)";
  tell(of.log, {log_level::warning, "operator " + of.context.stage, std::move(message)});
}

void operator_stage_state::on_run() {
  attach_to(self_, results_->targets(), 0);
  if (dead_letters_)
    attach_to(self_, dead_letters_->targets(), 1);
  running_ = true;
  if (over_ || !may_begin())
    return;
  const auto at = now();
  body_->advance(outputs(), at);
  take_input(at);
  after(at);
}

void operator_stage_state::on_credit(lane_id lane, const credit& more, batch_handle spare) {
  (lane.output == 0 ? *results_ : *dead_letters_).grant(lane.lane, more, std::move(spare));
  if (over_ || !may_begin())
    return;
  const auto at = now();
  body_->advance(outputs(), at);
  take_input(at);
  after(at);
}

void operator_stage_state::on_attach(channel_id channel, lane_id lane,
                                     const credit_receiver& from) {
  input_->attach(channel, lane, from);
}

void operator_stage_state::on_batch(channel_id channel, batch_handle in) {
  input_->receive(channel, std::move(in));
  // Checkpoints go on behind the end, until the job ends.
  if (over_ && !body_->finished())
    return;
  // What else comes then is the end once more, of senders that went on from a checkpoint.
  while (over_ && !input_->empty())
    input_->pop();
  const auto at = now();
  pass_barriers(at);
  if (over_ || !may_begin())
    return;
  take_input(at);
  after(at);
}

void operator_stage_state::on_flush() {
  flushing_ = false;
  results_->flush();
  if (dead_letters_)
    dead_letters_->flush();
}

void operator_stage_state::on_completions() {
  if (over_)
    return;
  const auto at = now();
  body_->on_completions(outputs(), at);
  deliver();
  take_input(at);
  after(at);
}

void operator_stage_state::on_pushed() {
  feed_->woken();
  if (over_ && !body_->finished())
    return;
  const auto at = now();
  // First of all: what has left in front of the barrier has been given to callbacks.
  feed_->reach_barriers(*input_);
  // Checkpoints go on behind the end, until the job ends.
  while (over_ && !input_->empty())
    input_->pop();
  pass_barriers(at);
  if (over_)
    results_->run_steps();
  if (over_ || !may_begin())
    return;
  take_input(at);
  after(at);
}

void operator_stage_state::on_checkpoint(const checkpoint_request& what) {
  feed_->begin_checkpoint(what);
}

void operator_stage_state::on_durable(const commit_request& what) {
  const auto told = guarded(parts_->instance.context.stage, [&]() -> expected<void> {
    feed_->is_durable(what.checkpoint);
    return {};
  });
  if (!told && !over_)
    fail(told.why(), {});
}

void operator_stage_state::on_wake_up(const wake_up& armed) {
  wake_ups_.arrived(armed.due);
  if (over_)
    return;
  const auto at = now();
  // Each with what follows from it: what it makes room for comes in before the next.
  while (body_->step(outputs(), armed.due, at))
    take_input(at);
  expire_questions(armed.due);
  take_input(at);
  after(at);
}

void operator_stage_state::on_pool_results(const pool_results& of) {
  auto& pool = *context_->pools().at(of.pool);
  pool.client.grant(of.granted);
  if (of.spare != nullptr)
    pool.spare_questions = of.spare;
  if (over_ || !may_begin())
    return;
  const auto at = now();
  if (of.results != nullptr) {
    body_->run([&] { pool.client.deliver(*of.results, at); }, outputs(), at);
    of.results->clear();
    pool.spare_results = of.results;
  }
  deliver();
  take_input(at);
  after(at);
}

bool operator_stage_state::may_begin() {
  if (!running_ || !waits_for_room_)
    return running_;
  const auto has_room = [](const std::unique_ptr<output_port>& of) { return !of || of->has_room(); };
  waits_for_room_ = !has_room(results_) || !has_room(dead_letters_);
  return !waits_for_room_;
}

void operator_stage_state::pass_barriers(time_point now) {
  while (const auto checkpoint = input_->reached_barrier()) {
    const bool last = input_->is_last_barrier();
    outputs().emit(control::barrier(*checkpoint, last));
    if (parts_->coordinator)
      hand_over_state(*checkpoint, now);
    input_->pass_barrier();
    // Who goes on from it makes the calls that run again; a failure of one would end the job otherwise than it is told.
    over_ = over_ || last;
  }
}

void operator_stage_state::hand_over_state(std::uint64_t checkpoint, time_point now) {
  // One that cannot be written is given up; the stream goes on.
  auto saved = guarded_state(parts_->instance.context.stage, [&] { return save(now); });
  if (saved && feed_)
    feed_->say_where(checkpoint, (*saved)->summary);
  if (saved)
    self_->send(parts_->coordinator,
                instance_saved{checkpoint, parts_->instance.id, *std::move(saved)});
  else
    self_->send(parts_->coordinator,
                instance_unsaved{checkpoint, parts_->instance.id, std::move(saved).why()});
}

expected<std::shared_ptr<saved_instance>> operator_stage_state::save(time_point now) {
  const auto codecs = find_codecs(parts_->plan);
  if (!codecs)
    return codecs.why();
  auto saved = std::make_shared<saved_instance>();
  auto& bytes = saved->state.emplace(parts_->blocks);
  stored_entry_writer to{bytes, *codecs->in, *codecs->out};
  body_->save(to, now);
  input_->save_waiting(to);
  to.channels(input_->said());
  to.finish();
  saved->summary.entries = to.counts();
  renew_probe();
  write_counters(saved->summary, *parts_->probe);
  return saved;
}

void operator_stage_state::deliver() {
  if (feed_)
    results_->run_steps();
}

void operator_stage_state::take_input(time_point now) {
  // A callback may have failed while results were given.
  if (results_->failure())
    return;
  do {
    while (!input_->empty() && !body_->failure()) {
      body_->take(input_->front(), input_->cursor(), outputs(), now);
      if (!input_->cursor().at_end(input_->front()))
        return;
      input_->pop();
    }
  } while (feed_ && !body_->failure() && feed_->refill(*input_));
}

void operator_stage_state::after(time_point now) {
  ask_pools();
  results_->run_steps();
  if (dead_letters_)
    dead_letters_->run_steps();
  renew_probe();
  const bool told = !feed_ || told_pushers(body_->counts().records_in);
  if (const auto& failure = body_->failure()) {
    fail(failure->why, failure->record);
    return;
  }
  if (!told || steps_have_failed())
    return;
  if (body_->finished()) {
    finish();
    return;
  }
  auto due = body_->next_due();
  for (const auto& [number, pool] : context_->pools())
    due = std::min(due, pool->client.next_deadline());
  if (const auto at = wake_ups_.arm(due, now))
    self_->scheduled_send(self_, *at, wake_up{*at});
  if (!flushing_ && (results_->has_unsent() || (dead_letters_ && dead_letters_->has_unsent()))) {
    flushing_ = true;
    self_->send(self_, caf::flush_atom::value);
  }
  if (feed_ && input_->empty() && feed_->must_come_again())
    self_->send(self_, pushed_atom::value);
}

void operator_stage_state::renew_probe() {
  const auto counts = body_->counts();
  const auto& before = counted_before_;
  auto& probe = *parts_->probe;
  probe.records_in.set(before.records_in + counts.records_in);
  probe.records_finished.set(before.records_finished + counts.records_finished);
  probe.records_out.set(before.records_out + counts.records_out);
  probe.sent.set(sent_before_ + results_->sent() + (dead_letters_ ? dead_letters_->sent() : 0));
  probe.calls.set(before.calls + counts.calls);
  probe.retries.set(before.retries + counts.retries);
  probe.timeouts.set(before.timeouts + counts.timeouts);
  probe.dropped.set(before.dropped + counts.dropped);
  probe.dead_letters.set(before.dead_letters + counts.dead_letters);
  probe.late_completions.set(before.late_completions + counts.late_completions);
  probe.queued.set(body_->size());
  probe.in_flight.set(body_->running());
}

void operator_stage_state::ask_pools() {
  for (auto& [number, pool] : context_->pools()) {
    if (!pool->client.has_requests())
      continue;
    auto questions = std::exchange(pool->spare_questions, nullptr);
    if (questions == nullptr)
      questions = std::make_shared<std::vector<question>>();
    *questions = pool->client.take_requests(std::move(*questions));
    self_->send(parts_->pools[number].actor,
                pool_questions{parts_->instance.id.number, std::move(questions),
                               std::exchange(pool->spare_results, nullptr)});
  }
}

void operator_stage_state::expire_questions(time_point now) {
  for (auto& [number, pool] : context_->pools()) {
    if (pool->client.next_deadline() > now)
      continue;
    // The callbacks that go hold result futures: on this thread they must find their operator.
    std::vector<call_token> gone;
    body_->run([&, &of = pool->client] { gone = of.expire(now); }, outputs(), now);
    if (!gone.empty())
      self_->send(parts_->pools[number].actor,
                  pool_cancellations{parts_->instance.id.number, std::move(gone)});
  }
}

void operator_stage_state::fail(error why, std::string record) {
  over_ = true;
  // What left before the failure has left.
  if (results_ != nullptr)
    on_flush();
  if (body_ != nullptr)
    body_->close();
  self_->send(parts_->instance.job, parts_->instance.id,
              stage_failure{std::move(why), std::move(record)});
}

bool operator_stage_state::steps_have_failed() {
  for (const auto* each : {results_.get(), dead_letters_.get()})
    if (each != nullptr && each->failure()) {
      auto of = failure_of(parts_->instance.context.stage, *each->failure());
      fail(std::move(of.why), std::move(of.record));
      return true;
    }
  return false;
}

bool operator_stage_state::told_pushers(std::uint64_t records_in) {
  if (results_->failure() || (dead_letters_ && dead_letters_->failure()))
    return true;
  const auto done = guarded(parts_->instance.context.stage, [&]() -> expected<void> {
    feed_->message_ends(records_in);
    return {};
  });
  if (!done && !body_->failure())
    fail(done.why(), {});
  return done.has_value();
}

void operator_stage_state::finish() {
  over_ = true;
  on_flush();
  body_->close();
  self_->send(parts_->instance.job, parts_->instance.id, stage_event::finished);
}

operator_outputs operator_stage_state::outputs() {
  return {*results_, dead_letters_.get()};
}

time_point operator_stage_state::now() const {
  return self_->clock().now();
}

operator_actor::behavior_type operator_stage(operator_stage_state::self_pointer self,
                                             std::shared_ptr<operator_stage_parts> parts) {
  return self->state.make_behavior(std::move(parts));
}

} // namespace weir
