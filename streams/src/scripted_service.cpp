// SPDX-License-Identifier: Apache-2.0
#include "scripted_service.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace weir::simulation::detail {

namespace {

std::int64_t twice(std::int64_t value) {
  return static_cast<std::int64_t>(2 * static_cast<std::uint64_t>(value));
}

} // namespace

scripted_service::scripted_service(const scenario& of, trace_recorder& recorder, step_budget& steps,
                                   millis end)
  : scenario_(of),
    recorder_(recorder),
    steps_(steps),
    end_(end),
    awaited_(of.input.size()) {}

// -- what a function does --

void scripted_service::call(const simulated_record& of, simulated_future done) {
  steps_.spend(step::call, 1);
  const auto number = ++last_call_;
  recorder_.called(of, done.attempt(), number);
  const auto& all = answers_for(of.value);
  const auto& first = all[std::min(calls_of_[of.value]++, all.size() - 1)];
  if (first.throws) {
    recorder_.answered(of, number, true);
    throw std::runtime_error(first.error.value_or(""));
  }
  open_call made{std::move(done), of, number, recorder_.now(), first};
  awaited_[of.element] = number;
  answer_or_schedule(made, first, 0);
  for (std::size_t i = 0; i < first.twice.size(); ++i)
    answer_or_schedule(made, first.twice[i], i + 1);
  if (made.coming > 0 || made.held_on_to)
    calls_.emplace(number, std::move(made));
}

const std::vector<scenario_answer>& scripted_service::answers_for(std::int64_t value) const {
  static const std::vector<scenario_answer> plain(1);
  const auto found = scenario_.service.find(value);
  if (found != scenario_.service.end() && !found->second.empty())
    return found->second;
  return scenario_.otherwise.empty() ? plain : scenario_.otherwise;
}

void scripted_service::answer_or_schedule(open_call& to, const scenario_answer& answer,
                                          std::size_t place) {
  if (answer.never) {
    to.held_on_to = true;
  } else if (answer.after == 0) {
    give(to, answer);
  } else {
    auto& into = is_awaited(to) ? answers_ : late_;
    into.emplace(std::tuple{time_of(to, answer), to.number, place}, &answer);
    ++to.coming;
  }
}

/// Behind the end of virtual time, where the sum would be too great.
millis scripted_service::time_of(const open_call& of, const scenario_answer& answer) const {
  return answer.after > end_ - of.at ? end_ + 1 : of.at + answer.after;
}

void scripted_service::stop_awaiting(const open_call& call) {
  if (!is_awaited(call))
    return;
  awaited_[call.of.element] = 0;
  if (call.coming == 0)
    return;
  const auto make_late = [&](const scenario_answer& answer, std::size_t place) {
    late_.insert(answers_.extract({time_of(call, answer), call.number, place}));
  };
  make_late(call.answers, 0);
  for (std::size_t i = 0; i < call.answers.twice.size(); ++i)
    make_late(call.answers.twice[i], i + 1);
}

void scripted_service::time_out(const simulated_record& of, const scenario_hook& hook,
                                simulated_future done) {
  recorder_.times_out(of);
  if (const auto call = awaited_[of.element]; call != 0 && hook.kind != hook_kind::nothing)
    stop_awaiting(calls_.at(call));
  switch (hook.kind) {
    case hook_kind::fail:
      done.fail({error_kind::timeout, "hook", "the timeout passed"});
      break;
    case hook_kind::emit:
      give_results(done, hook.emit);
      break;
    case hook_kind::error:
      done.fail(named_error(hook.error));
      break;
    case hook_kind::nothing:
      // Whether the future is held on to or let go makes no difference; so both are done.
      if (of.value % 2 == 0)
        held_hooks_.push_back(std::move(done));
      break;
  }
}

// -- answers that are to come --

millis scripted_service::next_at() const noexcept {
  const auto first = [](const schedule& of) {
    return of.empty() ? never : std::get<0>(of.begin()->first);
  };
  return std::min(first(answers_), first(late_));
}

bool scripted_service::is_due(const schedule& of) const {
  return !of.empty() && std::get<0>(of.begin()->first) == recorder_.now();
}

bool scripted_service::has_late() const {
  return is_due(late_);
}

void scripted_service::give_late() {
  while (is_due(late_))
    give(late_, late_.begin());
}

bool scripted_service::has_due() const {
  return is_due(answers_);
}

void scripted_service::add_due(std::vector<event_description>& to) const {
  std::uint64_t last = 0;
  for (auto each = answers_.begin(); each != answers_.end(); ++each) {
    const auto& [at, number, place] = each->first;
    if (at != recorder_.now())
      return;
    if (std::exchange(last, number) == number)
      continue;
    const auto& call = calls_.at(number);
    to.push_back(
      {event_kind::completion, at, call.of.element, call.of.value, call.done.attempt()});
  }
}

bool scripted_service::has_due(std::size_t element) const {
  return due_to(element) != answers_.end();
}

bool scripted_service::has_due_at_deadline(time_point at) const {
  for (auto each = answers_.begin(); each != answers_.end(); ++each) {
    const auto& [when, number, place] = each->first;
    if (when != recorder_.now())
      return false;
    if (calls_.at(number).done.deadline() == at)
      return true;
  }
  return false;
}

scripted_service::schedule::const_iterator
scripted_service::due_to(std::size_t element) const {
  const auto number = awaited_[element];
  const auto found = answers_.lower_bound({recorder_.now(), number, 0});
  const bool is_its = found != answers_.end() && std::get<0>(found->first) == recorder_.now()
                      && std::get<1>(found->first) == number;
  return is_its ? found : answers_.end();
}

void scripted_service::give_due() {
  give(answers_, answers_.begin());
}

void scripted_service::give_due(std::size_t element) {
  give(answers_, due_to(element));
}

void scripted_service::give(schedule& of, schedule::const_iterator which) {
  const auto number = std::get<1>(which->first);
  const auto& answer = *which->second;
  of.erase(which);
  const auto found = calls_.find(number);
  --found->second.coming;
  give(found->second, answer);
  if (found->second.coming == 0)
    calls_.erase(found);
}

void scripted_service::give(open_call& to, const scenario_answer& answer) {
  recorder_.answered(to.of, to.number, answer.error.has_value());
  if (answer.error)
    to.done.fail(named_error(*answer.error));
  else if (answer.emit)
    give_results(to.done, *answer.emit);
  else
    to.done.complete(twice(to.of.value));
  stop_awaiting(to);
}

void scripted_service::give_results(simulated_future& to,
                                    const std::vector<std::int64_t>& results) {
  steps_.spend(step::result, results.size());
  // The run is about to end; many copies of a long list would take all memory until then.
  if (steps_.is_overdrawn() || results.empty())
    to.complete_empty();
  else if (results.size() == 1)
    to.complete(results.front());
  else
    to.complete(results);
}

void scripted_service::forget_calls() {
  answers_.clear();
  late_.clear();
  calls_.clear();
  held_hooks_.clear();
  std::ranges::fill(awaited_, 0);
}

} // namespace weir::simulation::detail
