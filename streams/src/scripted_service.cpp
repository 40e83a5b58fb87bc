// SPDX-License-Identifier: Apache-2.0
#include "scripted_service.hpp"

#include <algorithm>
#include <stdexcept>

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
    end_(end) {}

// -- what a function does --

void scripted_service::call(const simulated_record& of, simulated_future done) {
  steps_.spend(1);
  const auto number = ++last_call_;
  recorder_.called(of, done.attempt(), number);
  const auto& all = answers_for(of.value);
  const auto& first = all[std::min(calls_of_[of.value]++, all.size() - 1)];
  if (first.throws) {
    recorder_.answered(of, number, true);
    throw std::runtime_error(first.error.value_or(""));
  }
  open_call made{std::move(done), of, 0, false};
  answer_or_schedule(made, number, first, 0);
  for (std::size_t i = 0; i < first.twice.size(); ++i)
    answer_or_schedule(made, number, first.twice[i], i + 1);
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

void scripted_service::answer_or_schedule(open_call& to, std::uint64_t number,
                                          const scenario_answer& answer, std::size_t place) {
  if (answer.never) {
    to.held_on_to = true;
  } else if (answer.after == 0) {
    give(to, number, answer);
  } else {
    const auto now = recorder_.now();
    // Behind the end of virtual time, where the sum would be too great.
    const auto at = answer.after > end_ - now ? end_ + 1 : now + answer.after;
    answers_.emplace(std::tuple{at, number, place}, &answer);
    ++to.coming;
  }
}

void scripted_service::time_out(const simulated_record& of, const scenario_hook& hook,
                                simulated_future done) {
  recorder_.times_out(of);
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
      break;
  }
}

// -- answers that are to come --

millis scripted_service::next_at() const noexcept {
  return answers_.empty() ? never : std::get<0>(answers_.begin()->first);
}

void scripted_service::give_next() {
  const auto [when, answer] = *answers_.begin();
  answers_.erase(answers_.begin());
  const auto number = std::get<1>(when);
  const auto found = calls_.find(number);
  give(found->second, number, *answer);
  if (--found->second.coming == 0)
    calls_.erase(found);
}

void scripted_service::forget_calls() {
  answers_.clear();
  calls_.clear();
}

void scripted_service::give(open_call& to, std::uint64_t number, const scenario_answer& answer) {
  recorder_.answered(to.of, number, answer.error.has_value());
  if (answer.error)
    to.done.fail(named_error(*answer.error));
  else if (answer.emit)
    give_results(to.done, *answer.emit);
  else
    to.done.complete(twice(to.of.value));
}

void scripted_service::give_results(simulated_future& to,
                                    const std::vector<std::int64_t>& results) {
  steps_.spend(results.size());
  // The run is about to end; many copies of a long list would take all memory until then.
  if (steps_.is_overdrawn() || results.empty())
    to.complete_empty();
  else if (results.size() == 1)
    to.complete(results.front());
  else
    to.complete(results);
}

} // namespace weir::simulation::detail
