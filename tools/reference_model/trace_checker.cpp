// SPDX-License-Identifier: Apache-2.0
#include "trace_checker.hpp"

#include "call_rules.hpp"
#include "leaving_rules.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <utility>
#include <vector>

namespace weir::simulation {

namespace {

using sentence = std::optional<std::string>;

std::string at(millis when) {
  return " at " + std::to_string(when);
}

struct saved_life {
  life of;
  millis taken_at = 0;
};

/// How far the output has been explained.
struct walk {
  /// Next in the input, and in the output.
  std::size_t line = 0;
  std::size_t place = 0;
  /// The last is the one that goes on.
  std::vector<life> lives;
  std::map<std::int64_t, saved_life> saved;

  life& now() { return lives.back(); }
};

/// Searches for an explanation of the output: which record each value belongs to, and on which side
/// of a restore what lies in its millisecond is. The deepest complaint is told where there is none;
/// a search that takes too long ends in the trace's favour.
class explainer {
public:
  explainer(const scenario& what, const trace& of, const answered_calls& calls) :
    what_(what), of_(of), calls_(calls) {}

  sentence first_violation() {
    walk start;
    start.lives.push_back(first_life());
    add_elements(start);
    return explain(std::move(start)) ? std::nullopt : std::optional{complaint_};
  }

private:
  // -- the walk --

  /// Depth first, by a stack of its own: a trace may be longer than the machine's stack is deep.
  bool explain(walk start) {
    open_.push_back(std::move(start));
    while (!open_.empty()) {
      if (++steps_ > steps_max)
        return true;
      auto next = std::move(open_.back());
      open_.pop_back();
      if (go_on(std::move(next)))
        return true;
    }
    return false;
  }

  /// Opens the ways on from here, the one to be tried first last. Whether the end is reached.
  bool go_on(walk so_far) {
    const auto next_at = next_moment(so_far);
    const auto* const restores = next_in_line<operator_restores>(so_far);
    if (restores == nullptr || what_.input[so_far.line].at > next_at)
      return explain_output(so_far);
    const auto at = what_.input[so_far.line].at;
    auto restored = so_far;
    if (restore(restored, *restores))
      open_.push_back(std::move(restored));
    return at == next_at && explain_output(so_far);
  }

  millis next_moment(const walk& so_far) const {
    if (so_far.place < of_.output.size())
      return of_.output[so_far.place].at;
    return of_.failed ? of_.failed->at : never;
  }

  template <class What>
  const What* next_in_line(const walk& so_far) const {
    return so_far.line < what_.input.size() ? std::get_if<What>(&what_.input[so_far.line].what)
                                            : nullptr;
  }

  bool explain_output(const walk& so_far) {
    const auto* const barrier = next_in_line<barrier_arrives>(so_far);
    const auto due = barrier == nullptr ? never : what_.input[so_far.line].at;
    if (due < next_moment(so_far))
      return complain(so_far,
                      "barrier " + std::to_string(barrier->id) + " does not leave" + at(due));
    if (so_far.place == of_.output.size())
      return explain_end(so_far);
    const auto& leaves = of_.output[so_far.place];
    if (!std::holds_alternative<barrier_leaves>(leaves.what))
      return explain_element(so_far);
    const auto id = std::get<barrier_leaves>(leaves.what).id;
    if (barrier == nullptr || barrier->id != id || due != leaves.at)
      return complain(so_far, name_of(leaves.what) + " leaves" + at(leaves.at) + " out of place");
    open_.push_back(so_far);
    pass_barrier(open_.back(), id, due);
    return false;
  }

  bool explain_element(const walk& so_far) {
    bool fits = false;
    std::vector<walk> ways;
    const auto& elements = so_far.lives.back().elements;
    for (std::size_t index = 0; index < elements.size(); ++index) {
      for (const auto outputs : fitting_outputs(so_far, elements[index])) {
        fits = true;
        auto after = so_far;
        if (leave(after, index, outputs))
          ways.push_back(std::move(after));
      }
      // Borders that look the same are the same.
      if (fits && elements[index].border)
        break;
    }
    std::move(ways.rbegin(), ways.rend(), std::back_inserter(open_));
    return fits ? false : complain(so_far, why_nothing_fits(so_far));
  }

  /// How many outputs may be this element's: records that share a value may have several outcomes.
  std::set<std::size_t> fitting_outputs(const walk& so_far, const element& each) const {
    std::set<std::size_t> found;
    const auto now = of_.output[so_far.place].at;
    if (each.left || each.arrived > now)
      return found;
    for (const auto& one : life_view{so_far.lives.back(), calls_}.outcomes_of(each))
      if (!one.leaves.empty() && one.at <= now && leaves_here(so_far.place, one.leaves))
        found.insert(one.leaves.size());
    return found;
  }

  bool leaves_here(std::size_t place, const std::vector<leaving>& leaves) const {
    if (of_.output.size() - place < leaves.size())
      return false;
    for (std::size_t index = 0; index < leaves.size(); ++index)
      if (of_.output[place + index] != trace_output{of_.output[place].at, leaves[index]})
        return false;
    return true;
  }

  /// Those that had to leave before are gone without a trace, if they may.
  bool leave(walk& so_far, std::size_t index, std::size_t outputs) {
    const auto now = of_.output[so_far.place].at;
    const life_view view{so_far.now(), calls_};
    auto& each = so_far.now().elements[index];
    for (std::size_t earlier = 0; earlier < index; ++earlier) {
      auto& before = so_far.now().elements[earlier];
      if (before.left || !view.holds_back(before, each))
        continue;
      const auto gone_from = view.silent_from(before);
      if (gone_from > now)
        return complain(so_far, name_of(each) + " leaves" + at(now) + " before " + name_of(before)
                                  + why_held_back(so_far.now(), before, each));
      before.left = true;
      before.left_at = gone_from;
    }
    each.left = true;
    each.left_at = now;
    each.place = so_far.place;
    so_far.place += outputs;
    return true;
  }

  static std::string why_held_back(const life& of, const element& before, const element& each) {
    if (before.border || each.border)
      return ": nothing passes a border";
    return of.with.mode == scenario_mode::ordered ? ", out of order" : ", which is of its key";
  }

  std::string why_nothing_fits(const walk& so_far) const {
    const auto& leaves = of_.output[so_far.place];
    const auto said = name_of(leaves.what) + at(leaves.at);
    std::string other_time;
    for (const auto& each : so_far.lives.back().elements)
      for (const auto& one : life_view{so_far.lives.back(), calls_}.outcomes_of(each)) {
        if (one.leaves.empty())
          continue;
        if (same_but_for_time(one.leaves.front(), leaves.what))
          other_time = said + ": its time is not that of " + name_of(each);
        if (one.leaves.front() != leaves.what)
          continue;
        if (each.left)
          return said + ": " + name_of(each) + " leaves twice";
        if (each.arrived > leaves.at || one.at > leaves.at)
          return said + ": " + name_of(each) + " leaves before it can be finished";
        return said + ": the results of " + name_of(each) + " are not together, in their order";
      }
    return other_time.empty() ? said + " belongs to nothing that is held" : other_time;
  }

  static bool same_but_for_time(const leaving& one, const leaving& other) {
    const auto* const value = std::get_if<value_leaves>(&one);
    const auto* const as = std::get_if<value_leaves>(&other);
    return value != nullptr && as != nullptr && value->value == as->value && value->ts != as->ts;
  }

  bool complain(const walk& so_far, std::string what) {
    if (complaint_.empty() || so_far.place > complained_at_) {
      complained_at_ = so_far.place;
      complaint_ = std::move(what);
    }
    return false;
  }

  // -- lives --

  life first_life() const {
    life first;
    first.with = what_.with;
    first.room_was_short = what_.room.has_value();
    first.room_is_used_up = room_is_used_up();
    remember_settings(first);
    return first;
  }

  /// Whether all the room that came for results, or for dead letters, has been taken.
  bool room_is_used_up() const {
    if (!what_.room)
      return false;
    std::int64_t results = 0;
    std::int64_t dead_letters = 0;
    for (const auto& each : *what_.room) {
      results += each.results;
      dead_letters += each.dead_letters;
    }
    for (const auto& leaves : of_.output) {
      results -= std::holds_alternative<value_leaves>(leaves.what) ? 1 : 0;
      dead_letters -= std::holds_alternative<dead_letter_leaves>(leaves.what) ? 1 : 0;
    }
    return results <= 0 || dead_letters <= 0;
  }

  static void remember_settings(life& of) {
    if (of.with.retry.kind != retry_kind::none)
      of.retries_max = std::max(of.retries_max, of.with.retry.max_attempts);
    of.hook_may_be_silent |=
      of.with.timeout != 0 && of.with.on_timeout.kind == hook_kind::nothing;
  }

  /// Up to the next barrier or restore, which nothing behind it can be taken in before.
  void add_elements(walk& so_far) const {
    auto& now = so_far.now();
    for (; so_far.line < what_.input.size(); ++so_far.line) {
      const auto& input = what_.input[so_far.line];
      element each;
      each.arrived = input.at;
      if (const auto* record = std::get_if<record_arrives>(&input.what)) {
        each.value = record->value;
        each.ts = record->ts;
      } else if (const auto* watermark = std::get_if<watermark_arrives>(&input.what)) {
        each.border = watermark_leaves{watermark->time};
      } else if (const auto* status = std::get_if<status_arrives>(&input.what)) {
        each.border = status_leaves{status->idle};
      } else if (std::holds_alternative<end_arrives>(input.what)) {
        now.ended_at = input.at;
        continue;
      } else {
        break;
      }
      now.elements.push_back(std::move(each));
    }
    mark_shared_values(now, so_far.line);
  }

  /// Over the whole life, also where it goes on behind a barrier.
  void mark_shared_values(life& of, std::size_t line) const {
    std::map<std::int64_t, std::size_t> count;
    for (const auto& each : of.elements)
      count[each.value] += each.border ? 0 : 1;
    for (; line < what_.input.size(); ++line) {
      if (std::holds_alternative<operator_restores>(what_.input[line].what))
        break;
      if (const auto* record = std::get_if<record_arrives>(&what_.input[line].what))
        ++count[record->value];
    }
    for (auto& each : of.elements)
      each.shares_value = !each.border && count[each.value] > 1;
  }

  void pass_barrier(walk& so_far, std::int64_t id, millis now) const {
    saved_life saved{so_far.now(), now};
    const life_view view{so_far.now(), calls_};
    std::erase_if(saved.of.elements, &element::left);
    for (auto& each : saved.of.elements)
      remember_calls(view, saved, each);
    so_far.saved[id] = std::move(saved);
    ++so_far.line;
    ++so_far.place;
    add_elements(so_far);
  }

  static void remember_calls(const life_view& view, const saved_life& saved, element& each) {
    if (each.border)
      return;
    auto outcomes = view.outcomes_of(each);
    std::erase_if(outcomes, [&](const auto& one) { return one.at > saved.taken_at; });
    each.outcomes_before = std::move(outcomes);
    for (const auto& call : view.calls_of(each.value)) {
      if (call.call.at < saved.taken_at)
        each.attempts_before_min = std::max(each.attempts_before_min, call.call.attempt);
      if (call.call.at <= saved.taken_at)
        each.attempts_before_max = std::max(each.attempts_before_max, call.call.attempt);
      const bool retried =
        call.answer && wants_retry(saved.of.with.retry, *call.answer, each.value);
      each.finished_before |=
        call.completes < saved.taken_at && !retried && !each.shares_value;
    }
    each.attempts_before_max = std::max(each.attempts_before_max, each.attempts_before_min);
    if (each.shares_value)
      each.attempts_before_min = 0;
  }

  bool restore(walk& so_far, const operator_restores& how) {
    const auto found = so_far.saved.find(how.id);
    if (found == so_far.saved.end())
      return complain(so_far, "barrier " + std::to_string(how.id) + " is restored but never left");
    const auto now = what_.input[so_far.line++].at;
    auto next = found->second.of;
    next.number = so_far.lives.size();
    next.with = how.with.value_or(so_far.now().with);
    next.resumed = !how.call_all;
    next.begins = now;
    next.retries_max = so_far.now().retries_max;
    next.hook_may_be_silent = so_far.now().hook_may_be_silent;
    remember_settings(next);
    for (auto& each : next.elements)
      inherit(each, next);
    so_far.lives.push_back(std::move(next));
    add_elements(so_far);
    return true;
  }

  static void inherit(element& each, const life& by) {
    each.inherited = true;
    each.arrived = by.begins;
    for (auto& one : each.outcomes_before)
      one.at = by.begins;
    if (by.resumed)
      return;
    // One that may have left without a trace is perhaps not in the snapshot.
    std::erase_if(each.outcomes_before, [](const auto& one) { return !one.leaves.empty(); });
    each.attempts_before_min = 0;
    each.attempts_before_max = 0;
    each.finished_before = false;
  }

  // -- the end of the trace --

  bool explain_end(const walk& so_far) {
    for (const auto& each : so_far.lives) {
      const bool last = &each == &so_far.lives.back();
      const auto ends = last ? next_moment(so_far) : so_far.lives[each.number + 1].begins;
      auto broken = broken_call_rule(each, calls_);
      if (!broken)
        broken = broken_leaving_rule(each, calls_, ends);
      if (broken)
        return complain(so_far, std::move(*broken));
    }
    const auto& last = so_far.lives.back();
    auto broken = of_.failed ? failed_wrongly(last, calls_, *of_.failed) : lost(last, calls_);
    return broken ? complain(so_far, std::move(*broken)) : true;
  }

  static constexpr std::size_t steps_max = 100'000;

  const scenario& what_;
  const trace& of_;
  const answered_calls& calls_;
  /// What is to be tried yet, the next one last.
  std::vector<walk> open_;
  std::size_t steps_ = 0;
  std::size_t complained_at_ = 0;
  std::string complaint_;
};

sentence times_run_back(const trace& of) {
  const auto later = [](const auto& one, const auto& next) { return one.at > next.at; };
  if (std::ranges::adjacent_find(of.output, later) != of.output.end())
    return "times run back in the output";
  if (std::ranges::adjacent_find(of.calls, later) != of.calls.end())
    return "times run back in the calls";
  return std::nullopt;
}

sentence goes_on_after_failure(const trace& of) {
  if (!of.failed)
    return std::nullopt;
  const auto after = [&](const auto& each) { return each.at > of.failed->at; };
  if (std::ranges::any_of(of.output, after))
    return "output leaves after the job failed" + at(of.failed->at);
  if (std::ranges::any_of(of.calls, after))
    return "calls are made after the job failed" + at(of.failed->at);
  return std::nullopt;
}

/// The moments of the restores that happened.
std::vector<millis> restores_of(const scenario& what, const trace& of) {
  std::vector<millis> found;
  for (const auto& input : what.input)
    if (std::holds_alternative<operator_restores>(input.what)
        && (!of.failed || input.at <= of.failed->at))
      found.push_back(input.at);
  return found;
}

/// Tries each way to lay the calls in the millisecond of a restore on its two sides.
class splitter {
public:
  splitter(const scenario& what, const trace& of) :
    what_(what), of_(of), calls_(answer_calls(what, of)), restores_(restores_of(what, of)) {}

  sentence first_violation() {
    return split(0, 0) ? std::nullopt : complaint_;
  }

private:
  bool split(std::size_t restore, std::size_t from) {
    auto& calls = calls_.in_order;
    if (restore == restores_.size()) {
      for (auto call = from; call < calls.size(); ++call)
        calls[call].life = restore;
      const auto broken = explainer{what_, of_, calls_}.first_violation();
      if (broken && !complaint_)
        complaint_ = broken;
      return !broken;
    }
    for (auto call = from; call <= calls.size(); ++call) {
      const bool may_end_here = call == calls.size() || calls[call].call.at >= restores_[restore];
      if (may_end_here && split(restore + 1, call))
        return true;
      if (call == calls.size() || calls[call].call.at > restores_[restore])
        return false;
      calls[call].life = restore;
    }
    return false;
  }

  const scenario& what_;
  const trace& of_;
  answered_calls calls_;
  std::vector<millis> restores_;
  sentence complaint_;
};

} // namespace

std::optional<std::string> first_violation(const scenario& what, const trace& of) {
  if (auto broken = times_run_back(of))
    return broken;
  if (auto broken = goes_on_after_failure(of))
    return broken;
  return splitter{what, of}.first_violation();
}

} // namespace weir::simulation
