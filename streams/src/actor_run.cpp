// SPDX-License-Identifier: Apache-2.0
#include "actor_run.hpp"

#include "arrived_input.hpp"

#include "weir/operator_body.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <typeinfo>
#include <utility>
#include <variant>

namespace weir::simulation::detail {

actor_run::actor_run(const scenario& of, const simulation_limits& limits, const actor_order* order)
  : scenario_(of),
    limits_(limits),
    order_(order),
    steps_(limits.steps),
    recorder_(of, nullptr),
    service_(of, recorder_, steps_, limits.end),
    begin_(system_.now()),
    settings_(&of.with) {
  if (order_ != nullptr)
    system_.shuffle(order_->seed);
  start({});
}

expected<trace> actor_run::to_end() {
  while (!recorder_.has_failed() && find_next_time()) {
    if (recorder_.now() > limits_.end)
      return too_long("it runs past " + std::to_string(limits_.end) + " ms of virtual time");
    handle_event();
    steps_.spend(step::event, 1);
    if (steps_.is_overdrawn())
      return too_long(steps_.why_overdrawn());
  }
  account_for_operator();
  if (!recorder_.has_failed()) {
    const auto status = rig_->status();
    recorder_.set_left(status.queued, status.in_flight);
    if (system_.timers() != 0)
      return error{error_kind::internal, "scenario " + scenario_.name, "a wake-up is left at the end"};
  }
  return recorder_.take();
}

error actor_run::too_long(const std::string& why) const {
  return {error_kind::argument, "scenario " + scenario_.name, why};
}

// -- events --

bool actor_run::find_next_time() {
  auto next = std::min(next_timer(), service_.next_at());
  if (read_ < scenario_.input.size())
    next = std::min(next, scenario_.input[read_].at);
  recorder_.set_time(next);
  if (next == scripted_service::never)
    return false;
  system_.set_time(std::max(system_.now(), begin_ + as_duration(next)));
  return true;
}

millis actor_run::next_timer() const {
  const auto due = system_.next_timer();
  if (due == time_point::max())
    return scripted_service::never;
  return std::chrono::ceil<std::chrono::milliseconds>(due - begin_).count();
}

void actor_run::handle_event() {
  if (service_.has_late())
    service_.give_late();
  else if (order_ != nullptr)
    handle_chosen_event();
  else
    handle_first_event();
  system_.run_messages();
  record_output();
  if (const auto& failure = rig_->failure())
    recorder_.fails(*failure);
}

void actor_run::handle_first_event() {
  if (service_.has_due())
    service_.give_due();
  else if (next_timer() <= recorder_.now())
    system_.trigger_timers();
  else
    handle_input(read_++);
}

void actor_run::handle_chosen_event() {
  const auto due = due_events();
  const auto& event = due.at(order_->choose(due));
  if (event.kind == event_kind::completion)
    service_.give_due(event.line);
  else if (event.kind == event_kind::wake_up)
    system_.trigger_timers();
  else
    handle_input(read_++);
}

std::vector<event_description> actor_run::due_events() const {
  std::vector<event_description> due;
  service_.add_due(due);
  const bool wakes_up = next_timer() <= recorder_.now();
  // An answer that comes in the millisecond of its record's timeout counts.
  if (wakes_up && !service_.has_due_at_deadline(begin_ + as_duration(recorder_.now())))
    due.push_back({event_kind::wake_up, recorder_.now(), 0, 0, 0});
  // What a barrier would keep of a timer that is due is a nanosecond of it.
  if (read_ < scenario_.input.size() && scenario_.input[read_].at == recorder_.now()
      && !(wakes_up && next_is_barrier())) {
    const auto* record = std::get_if<record_arrives>(&scenario_.input[read_].what);
    due.push_back({event_kind::input, recorder_.now(), read_, record ? record->value : 0, 0});
  }
  return due;
}

bool actor_run::next_is_barrier() const {
  return std::holds_alternative<barrier_arrives>(scenario_.input[read_].what);
}

void actor_run::handle_input(std::size_t element) {
  const auto& what = scenario_.input[element].what;
  if (const auto* barrier = std::get_if<barrier_arrives>(&what)) {
    barrier_ = element;
    auto in = std::make_unique<batch<simulated_record>>();
    // Not the scenario's number: that may come twice, and an operator's only rise.
    static_cast<batch_base&>(*in).append(control::barrier(element + 1));
    rig_->feed(std::move(in));
    system_.run_messages();
    states_[barrier->id] = rig_->state();
  } else if (const auto* restores = std::get_if<operator_restores>(&what)) {
    recorder_.restores(element);
    restore(*restores);
  } else {
    recorder_.arrives(element);
    feed(element);
  }
}

void actor_run::feed(std::size_t element) {
  auto in = std::make_unique<batch<simulated_record>>();
  append_element(*in, scenario_, element);
  rig_->feed(std::move(in));
}

void actor_run::restore(const operator_restores& how) {
  if (how.with)
    settings_ = &*how.with;
  account_for_operator();
  // The old operator goes before its futures, so that it hears of none of them.
  rig_.reset();
  service_.forget_calls();
  operator_rig_settings settings;
  restored_ = states_.at(how.id);
  settings.restored = restored_;
  settings.restore_how = how.call_all ? restore_mode::call_all : restore_mode::resume;
  start(std::move(settings));
}

// -- user code --

void actor_run::call(const simulated_record& of, simulated_future done) {
  service_.call(of, std::move(done));
}

void actor_run::time_out(const simulated_record& of, simulated_future done) {
  service_.time_out(of, settings_->on_timeout, std::move(done));
}

// -- the operator --

void actor_run::start(operator_rig_settings settings) {
  operator_plan plan{options_of(*settings_), mode_of(settings_->mode), [this](operator_parts parts) {
                       return std::make_unique<async_operator_body<user_function>>(std::move(parts),
                                                                                   user_function{*this});
                     }};
  plan.types = {&typeid(simulated_record), &typeid(simulated_result)};
  rig_ = std::make_unique<operator_rig>(system_, std::move(plan), std::vector<pool_plan>{},
                                        std::move(settings));
  // There are no pools that could fail, and the function opens.
  static_cast<void>(rig_->start());
}

void actor_run::account_for_operator() {
  const auto status = rig_->status();
  const auto since = [this](std::uint64_t now, std::string_view name) {
    if (restored_ != nullptr)
      for (const auto& each : restored_->summary.counters)
        if (each.name == name)
          return now - each.count;
    return now;
  };
  machine_counts counts;
  counts.records_in = since(status.records_in, "records_in");
  counts.records_finished = since(status.records_finished, "records_finished");
  counts.records_out = since(status.records_out, "records_out");
  counts.calls = since(status.calls, "calls");
  counts.retries = since(status.retries, "retries");
  counts.timeouts = since(status.timeouts, "timeouts");
  counts.dropped = since(status.dropped, "dropped");
  counts.dead_letters = since(status.dead_letters, "dead_letters");
  counts.late_completions = since(status.late_completions, "late_completions");
  recorder_.add(counts);
}

void actor_run::record_output() {
  for (const auto& each : rig_->take_output())
    if (const auto* left = std::get_if<records_left>(&each)) {
      record(*left);
    } else if (const auto& what = std::get<control>(each); what.kind() == control_kind::barrier) {
      recorder_.passes(*barrier_, std::get<barrier_arrives>(scenario_.input[*barrier_].what));
    } else {
      recorder_.leaves(what);
    }
}

void actor_run::record(const records_left& left) {
  if (left.output == output_kind::dead_letters) {
    const auto& of = static_cast<const batch<dead_letter<simulated_record>>&>(*left.of);
    for (std::size_t i = 0; i < of.records(); ++i)
      recorder_.leaves(of.value(i));
    return;
  }
  const auto& of = static_cast<const batch<simulated_result>&>(*left.of);
  origin_runs::cursor origins;
  for (std::size_t i = 0; i < of.records(); ++i)
    recorder_.leaves(of.value(i), of.timestamp(i), origins.at(of.origins(), i));
}

} // namespace weir::simulation::detail
