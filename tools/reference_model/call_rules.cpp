// SPDX-License-Identifier: Apache-2.0
#include "call_rules.hpp"

#include <algorithm>
#include <utility>

namespace weir::simulation {

namespace {

using sentence = std::optional<std::string>;

std::string name_of(const answered_call& call) {
  return "record " + std::to_string(call.call.record) + " is called at "
         + std::to_string(call.call.at);
}

class call_judge {
public:
  call_judge(const life& of, const answered_calls& calls) :
    of_(of), view_(of, calls) {
    for (const auto& call : calls.in_order) {
      if (call.life != of.number)
        continue;
      calls_.push_back(call);
      called_.push_back(element_of(call));
      run_until_.push_back(view_.runs_until(call));
    }
  }

  sentence first_violation() const {
    for (std::size_t place = 0; place < calls_.size(); ++place)
      if (auto broken = violation_at(place))
        return broken;
    return std::nullopt;
  }

private:
  sentence violation_at(std::size_t place) const {
    const auto& call = calls_[place];
    const auto* const called = called_[place];
    if (called == nullptr)
      return name_of(call) + " but is not held then";
    if (call.call.attempt > of_.retries_max + 1)
      return name_of(call) + " more often than the attempts allow";
    if (auto broken = too_many_run(place))
      return broken;
    if (called->shares_value)
      return std::nullopt;
    if (auto broken = called_wrongly(place, *called))
      return broken;
    if (auto broken = too_many_held(call, *called))
      return broken;
    return out_of_order(place, *called);
  }

  const element* element_of(const answered_call& call) const {
    for (const auto& each : of_.elements)
      if (!each.border && each.value == call.call.record && each.arrived <= call.call.at)
        return &each;
    return nullptr;
  }

  // -- attempts --

  sentence called_wrongly(std::size_t place, const element& called) const {
    const auto& call = calls_[place];
    if (called.left && called.place && called.left_at < call.call.at)
      return name_of(call) + " after it has left";
    if (called.finished_before)
      return name_of(call) + " although it was finished at the barrier";
    const auto* const before = call_before(place);
    return before == nullptr ? first_call_wrong(call, called) : retry_wrong(call, *before);
  }

  const answered_call* call_before(std::size_t place) const {
    const auto value = calls_[place].call.record;
    while (place-- > 0)
      if (calls_[place].call.record == value)
        return &calls_[place];
    return nullptr;
  }

  static sentence first_call_wrong(const answered_call& call, const element& called) {
    const auto least = std::max(called.attempts_before_min, 1U);
    if (call.call.attempt >= least && call.call.attempt <= called.attempts_before_max + 1)
      return std::nullopt;
    return name_of(call) + " as attempt " + std::to_string(call.call.attempt)
           + " where attempt " + std::to_string(least) + " is due";
  }

  sentence retry_wrong(const answered_call& call, const answered_call& before) const {
    if (call.call.attempt != before.call.attempt + 1)
      return name_of(call) + " as attempt " + std::to_string(call.call.attempt) + " after attempt "
             + std::to_string(before.call.attempt);
    if (before.completes > call.call.at)
      return name_of(call) + " while its attempt before runs";
    if (!wants_retry(of_.with.retry, *before.answer, call.call.record))
      return name_of(call) + " although no predicate asks for a retry";
    if (before.completes > ended_by())
      return name_of(call) + " although input had ended when its attempt failed";
    const auto due =
      before.completes + delay_before_retry(of_.with.retry, before.call.attempt);
    if (call.call.at < std::min(due, of_.last_attempts_from()))
      return name_of(call) + " before its back-off ends at " + std::to_string(due);
    return called_after_timeout(call);
  }

  /// The latest moment at which the end was taken in: the last before it was in by then. `never`
  /// where that is not known.
  millis ended_by() const {
    if (of_.last_attempts_from() == never || of_.elements.empty())
      return of_.last_attempts_from();
    const auto& last = of_.elements.back();
    auto taken_by = last.place ? last.left_at : never;
    if (!last.border && !last.shares_value && !view_.calls_of(last.value).empty())
      taken_by = std::min(taken_by, view_.calls_of(last.value).front().call.at);
    return taken_by == never ? never : std::max(of_.ended_at, taken_by);
  }

  /// It was admitted when it was first called, at the latest.
  sentence called_after_timeout(const answered_call& call) const {
    const auto first = view_.calls_of(call.call.record).front().call.at;
    if (of_.with.timeout == 0 || call.call.at <= first + of_.with.timeout)
      return std::nullopt;
    return name_of(call) + " after its timeout";
  }

  // -- bounds --

  sentence too_many_run(std::size_t place) const {
    const auto now = calls_[place].call.at;
    std::size_t running = 0;
    for (std::size_t earlier = 0; earlier <= place; ++earlier)
      if (run_until_[earlier] > now)
        ++running;
    const auto calls_max = of_.with.max_concurrent_calls.value_or(of_.with.capacity);
    if (running <= calls_max)
      return std::nullopt;
    return name_of(calls_[place]) + " while " + std::to_string(running - 1) + " calls run, of "
           + std::to_string(calls_max);
  }

  /// Restored entries may be more than the capacity.
  sentence too_many_held(const answered_call& call, const element& called) const {
    if (called.inherited)
      return std::nullopt;
    std::size_t held = 0;
    for (const auto& each : of_.elements) {
      const auto gone_from = each.left ? each.left_at : view_.silent_from(each);
      if (view_.takes_place(each) && gone_from > call.call.at)
        ++held;
      if (&each == &called)
        break;
    }
    if (held <= of_.with.capacity)
      return std::nullopt;
    return name_of(call) + " with " + std::to_string(held) + " elements held, of "
           + std::to_string(of_.with.capacity);
  }

  // -- order --

  sentence out_of_order(std::size_t place, const element& called) const {
    for (std::size_t earlier = 0; earlier < place; ++earlier) {
      const auto* const other = called_[earlier];
      if (other == &called || other->shares_value)
        continue;
      const auto broken = of_.with.mode == scenario_mode::key_ordered
                            ? key_order_broken(calls_[place], called, earlier, *other)
                            : first_calls_swapped(calls_[place], called, calls_[earlier], *other);
      if (broken)
        return broken;
    }
    return std::nullopt;
  }

  sentence key_order_broken(const answered_call& call, const element& called, std::size_t earlier,
                            const element& other) const {
    if (key_of(called.value) != key_of(other.value))
      return std::nullopt;
    if (&called < &other)
      return name_of(call) + " after record " + std::to_string(other.value)
             + " of its key, which arrived later";
    if (run_until_[earlier] > call.call.at)
      return name_of(call) + " while record " + std::to_string(other.value) + " of its key runs";
    return std::nullopt;
  }

  /// Those that were never called wait from their admission on, and the first is served first.
  static sentence first_calls_swapped(const answered_call& call, const element& called,
                                      const answered_call& earlier, const element& other) {
    if (call.call.attempt != 1 || earlier.call.attempt != 1 || &called > &other)
      return std::nullopt;
    return name_of(call) + " after record " + std::to_string(other.value)
           + ", which arrived later";
  }

  const life& of_;
  life_view view_;
  /// Those of this life, the element that each is for, and until when each runs for certain.
  std::vector<answered_call> calls_;
  std::vector<const element*> called_;
  std::vector<millis> run_until_;
};

} // namespace

std::optional<std::string> broken_call_rule(const life& of,
                                            const answered_calls& calls) {
  return call_judge{of, calls}.first_violation();
}

} // namespace weir::simulation
