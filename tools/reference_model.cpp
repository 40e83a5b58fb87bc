// SPDX-License-Identifier: Apache-2.0
#include "reference_model.hpp"

#include "scenario_rules.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <stdexcept>
#include <utility>

namespace weir::simulation {

namespace {

enum class stage : std::uint8_t { waits, runs, backs_off, finished };

/// An answer to a call that runs.
struct coming_answer {
  millis at = 0;
  scenario_answer answer;
};

/// An element that was taken in and has not left. A border is finished from birth.
struct entry {
  std::size_t line = 0;
  bool border = false;
  std::int64_t value = 0;
  std::optional<std::int64_t> ts;
  stage at_stage = stage::waits;
  std::uint32_t attempts = 0;
  /// The next call is one that a restore interrupted, and keeps its number.
  bool repeats = false;
  std::optional<millis> deadline;
  bool hook_called = false;
  millis back_off_end = 0;
  /// Of one that runs: its place among the trace's calls, and the answers that are to come.
  std::size_t call = 0;
  std::vector<coming_answer> answers;
  /// Of one that is finished: how many were before.
  std::size_t finished_as = 0;
  /// Of one that is finished.
  std::vector<leaving> leaves;
};

/// All that a barrier leaves behind.
struct state {
  std::vector<entry> entries;
  /// Lines of the input that have arrived and are not yet taken in.
  std::vector<std::size_t> waiting;
  bool ended = false;
};

struct snapshot {
  state of;
  millis taken_at = 0;
};

bool same_key(const entry& one, const entry& other) {
  return !one.border && !other.border && key_of(one.value) == key_of(other.value);
}

bool is_watermark(const entry& of) {
  return of.border && std::holds_alternative<watermark_leaves>(of.leaves.front());
}

// -- the model --

class model {
public:
  model(const scenario& what, const event_chooser& choose) :
    what_(what), choose_(choose), with_(what.with) {
    trace_.name = what.name;
  }

  trace run() {
    for (auto due = events_due(); !trace_.failed && !due.empty(); due = events_due()) {
      const auto next = due.size() == 1 ? 0 : choose_(due);
      assert(next < due.size());
      now_ = due_at_;
      handle(due[next]);
      follow_up();
    }
    return std::move(trace_);
  }

private:
  // -- what is due --

  /// Those of the earliest millisecond that may be next, in the order of scenarios.
  std::vector<event_description> events_due() {
    due_at_ = earliest();
    std::vector<event_description> due;
    if (due_at_ == never)
      return due;
    add_completions(due);
    add_first_timeout(due);
    add_back_off_ends(due);
    if (next_line_ < what_.input.size() && what_.input[next_line_].at == due_at_)
      due.push_back({event_kind::input, due_at_, next_line_, value_of_line(next_line_), 0});
    return due;
  }

  millis earliest() const {
    millis at = next_line_ < what_.input.size() ? what_.input[next_line_].at : never;
    for (const auto& each : state_.entries) {
      if (!each.answers.empty())
        at = std::min(at, each.answers.front().at);
      if (awaits_timeout(each))
        at = std::min(at, *each.deadline);
      if (each.at_stage == stage::backs_off)
        at = std::min(at, each.back_off_end);
    }
    return at;
  }

  /// In the order of their calls.
  void add_completions(std::vector<event_description>& due) const {
    std::map<std::size_t, const entry*> by_call;
    for (const auto& each : state_.entries)
      if (completion_is_due(each))
        by_call[each.call] = &each;
    for (const auto& [call, each] : by_call)
      due.push_back(describe(event_kind::completion, *each));
  }

  void add_first_timeout(std::vector<event_description>& due) const {
    for (const auto& each : state_.entries) {
      if (!awaits_timeout(each) || *each.deadline != due_at_)
        continue;
      if (!completion_is_due(each))
        due.push_back(describe(event_kind::timeout, each));
      return;
    }
  }

  void add_back_off_ends(std::vector<event_description>& due) const {
    for (const auto& each : state_.entries)
      if (each.at_stage == stage::backs_off && each.back_off_end == due_at_
          && !(awaits_timeout(each) && *each.deadline == due_at_))
        due.push_back(describe(event_kind::back_off_end, each));
  }

  static bool awaits_timeout(const entry& each) {
    return each.at_stage != stage::finished && !each.hook_called && each.deadline;
  }

  bool completion_is_due(const entry& each) const {
    return !each.answers.empty() && each.answers.front().at == due_at_;
  }

  event_description describe(event_kind kind, const entry& of) const {
    return {kind, due_at_, of.line, of.value, of.attempts};
  }

  std::int64_t value_of_line(std::size_t line) const {
    const auto* record = std::get_if<record_arrives>(&what_.input[line].what);
    return record == nullptr ? 0 : record->value;
  }

  // -- events --

  void handle(const event_description& event) {
    switch (event.kind) {
      case event_kind::completion: return complete_by_first_answer(entry_of_line(event.line));
      case event_kind::timeout: return time_out(entry_of_line(event.line));
      case event_kind::back_off_end:
        entry_of_line(event.line).at_stage = stage::waits;
        return;
      case event_kind::input: return arrive(next_line_++);
    }
  }

  void complete_by_first_answer(entry& of) {
    const auto answer = of.answers.front().answer;
    complete(of, answer);
  }

  /// The first completion of its call; nobody waits for the others.
  void complete(entry& of, const scenario_answer& answer) {
    const auto& retry = with_.retry;
    of.answers.clear();
    if (of.attempts <= retry.max_attempts && !state_.ended && !of.hook_called
        && wants_retry(retry, answer, of.value)) {
      of.at_stage = stage::backs_off;
      of.back_off_end = now_ + delay_before_retry(retry, of.attempts);
    } else if (answer.error) {
      fail(of, *answer.error);
    } else {
      finish_with_results(of, results_of(answer, of.value));
    }
  }

  void time_out(entry& of) {
    of.hook_called = true;
    switch (with_.on_timeout.kind) {
      case hook_kind::fail: return fail(of, "timeout_error");
      case hook_kind::error: return fail(of, with_.on_timeout.error);
      case hook_kind::emit: return finish_with_results(of, with_.on_timeout.emit);
      case hook_kind::nothing:
        if (of.at_stage != stage::runs)
          fail(of, "timeout_error");
        return;
    }
  }

  void fail(entry& of, const std::string& error) {
    switch (with_.on_failure) {
      case scenario_failure_action::fail_job:
        trace_.failed = trace_failure{now_, error, of.value};
        return;
      case scenario_failure_action::drop: return finish(of, {});
      case scenario_failure_action::dead_letter:
        return finish(of, {dead_letter_leaves{of.value, error, of.attempts}});
    }
  }

  void finish_with_results(entry& of, const std::vector<std::int64_t>& results) {
    std::vector<leaving> leaves;
    for (const auto result : results)
      leaves.emplace_back(value_leaves{result, of.ts});
    finish(of, std::move(leaves));
  }

  void finish(entry& of, std::vector<leaving> leaves) {
    of.at_stage = stage::finished;
    of.finished_as = finished_++;
    of.answers.clear();
    of.leaves = std::move(leaves);
  }

  void arrive(std::size_t line) {
    const auto& what = what_.input[line].what;
    if (const auto* barrier = std::get_if<barrier_arrives>(&what)) {
      snapshots_[barrier->id] = {state_, now_};
      trace_.output.push_back({now_, barrier_leaves{barrier->id}});
    } else if (const auto* restores = std::get_if<operator_restores>(&what)) {
      restore(*restores);
    } else {
      state_.waiting.push_back(line);
    }
  }

  // -- restore --

  void restore(const operator_restores& how) {
    const auto found = snapshots_.find(how.id);
    if (found == snapshots_.end())
      throw std::invalid_argument{"barrier " + std::to_string(how.id) + " never came"};
    if (how.with)
      with_ = *how.with;
    state_ = found->second.of;
    for (auto& each : state_.entries) {
      each.answers.clear();
      if (!each.border && how.call_all)
        make_new(each);
      else if (!each.border)
        resume(each, now_ - found->second.taken_at);
    }
  }

  void make_new(entry& of) {
    of.at_stage = stage::waits;
    of.attempts = 0;
    of.repeats = false;
    of.hook_called = false;
    of.deadline = new_deadline();
    of.leaves.clear();
  }

  void resume(entry& of, millis since) {
    if (of.at_stage == stage::finished)
      of.finished_as = finished_++;
    if (of.at_stage == stage::runs) {
      of.at_stage = stage::waits;
      of.repeats = true;
    }
    of.back_off_end += since;
    const auto had = of.deadline;
    of.deadline = new_deadline();
    if (had && of.deadline)
      of.deadline = std::min(*had + since, *of.deadline);
  }

  std::optional<millis> new_deadline() const {
    return with_.timeout == 0 ? std::nullopt : std::optional{now_ + with_.timeout};
  }

  // -- what follows --

  void follow_up() {
    while (!trace_.failed && (one_leaves() || one_is_called() || one_is_taken())) {
    }
  }

  bool one_leaves() {
    const auto one = with_.mode == scenario_mode::ordered ? first_if_finished() : next_to_leave();
    if (one == state_.entries.end())
      return false;
    for (auto& each : one->leaves)
      trace_.output.push_back({now_, std::move(each)});
    state_.entries.erase(one);
    return true;
  }

  std::vector<entry>::iterator first_if_finished() {
    auto& entries = state_.entries;
    const bool may = !entries.empty() && entries.front().at_stage == stage::finished;
    return may ? entries.begin() : entries.end();
  }

  std::vector<entry>::iterator next_to_leave() {
    auto& entries = state_.entries;
    if (!entries.empty() && entries.front().border)
      return entries.begin();
    auto next = entries.end();
    for (auto one = entries.begin(); one != entries.end() && !one->border; ++one) {
      if (one->at_stage != stage::finished || (by_key() && any_before(*one, same_key)))
        continue;
      if (next == entries.end() || one->finished_as < next->finished_as)
        next = one;
    }
    return next;
  }

  bool one_is_called() {
    const auto running = std::ranges::count(state_.entries, stage::runs, &entry::at_stage);
    if (std::cmp_greater_equal(running, with_.max_concurrent_calls.value_or(with_.capacity)))
      return false;
    const auto one = std::ranges::find_if(
      state_.entries, [this](const entry& each) { return waits_for_call(each); });
    if (one == state_.entries.end())
      return false;
    call(*one);
    return true;
  }

  bool waits_for_call(const entry& each) const {
    const auto unfinished_of_key = [](const entry& before, const entry& one) {
      return same_key(before, one) && before.at_stage != stage::finished;
    };
    return each.at_stage == stage::waits && !(by_key() && any_before(each, unfinished_of_key));
  }

  void call(entry& of) {
    of.at_stage = stage::runs;
    of.call = trace_.calls.size();
    if (!std::exchange(of.repeats, false))
      ++of.attempts;
    trace_.calls.push_back({now_, of.value, of.attempts});
    const auto answers = answers_in_order(next_answer(of.value));
    if (!answers.empty() && answers.front().after == 0)
      return complete(of, answers.front());
    for (const auto& answer : answers)
      of.answers.push_back({now_ + answer.after, answer});
  }

  scenario_answer next_answer(std::int64_t value) {
    return answer_of_service(what_, value, asked_[value]++);
  }

  bool one_is_taken() {
    if (state_.waiting.empty() || !has_room_for(what_.input[state_.waiting.front()].what))
      return false;
    const auto line = state_.waiting.front();
    state_.waiting.erase(state_.waiting.begin());
    take(line);
    return true;
  }

  bool has_room_for(const decltype(scenario_input::what)& element) const {
    if (std::holds_alternative<end_arrives>(element))
      return true;
    if (!by_key())
      return state_.entries.size() < with_.capacity;
    const auto records = std::ranges::count(state_.entries, false, &entry::border);
    return !std::holds_alternative<record_arrives>(element)
           || std::cmp_less(records, with_.capacity);
  }

  void take(std::size_t line) {
    const auto& what = what_.input[line].what;
    if (const auto* record = std::get_if<record_arrives>(&what))
      take_record(line, *record);
    else if (const auto* watermark = std::get_if<watermark_arrives>(&what))
      take_border(line, watermark_leaves{watermark->time});
    else if (const auto* status = std::get_if<status_arrives>(&what))
      take_border(line, status_leaves{status->idle});
    else
      take_end();
  }

  void take_record(std::size_t line, const record_arrives& record) {
    entry taken;
    taken.line = line;
    taken.value = record.value;
    taken.ts = record.ts;
    taken.deadline = new_deadline();
    state_.entries.push_back(std::move(taken));
  }

  void take_border(std::size_t line, leaving what) {
    entry taken;
    taken.line = line;
    taken.border = true;
    taken.at_stage = stage::finished;
    taken.leaves.push_back(std::move(what));
    if (by_key() && is_watermark(taken))
      make_room_for_watermark();
    state_.entries.push_back(std::move(taken));
  }

  /// The newest before it is the one that goes: the new one says all that it said.
  void make_room_for_watermark() {
    auto& entries = state_.entries;
    const auto last_record = std::find_if(entries.rbegin(), entries.rend(),
                                          [](const entry& each) { return !each.border; });
    const auto in_a_row = std::count_if(entries.rbegin(), last_record, is_watermark);
    if (std::cmp_less(in_a_row, watermarks_in_a_row_max))
      return;
    entries.erase(std::prev(std::find_if(entries.rbegin(), last_record, is_watermark).base()));
  }

  void take_end() {
    state_.ended = true;
    for (auto& each : state_.entries)
      if (each.at_stage == stage::backs_off)
        each.at_stage = stage::waits;
  }

  // -- queries --

  bool by_key() const { return with_.mode == scenario_mode::key_ordered; }

  template <class Relation>
  bool any_before(const entry& one, Relation holds) const {
    for (const auto& before : state_.entries) {
      if (&before == &one)
        return false;
      if (holds(before, one))
        return true;
    }
    return false;
  }

  entry& entry_of_line(std::size_t line) {
    return *std::ranges::find(state_.entries, line, &entry::line);
  }

  const scenario& what_;
  const event_chooser& choose_;
  scenario_operator with_;
  state state_;
  std::map<std::int64_t, snapshot> snapshots_;
  /// By value: how many calls the service has answered.
  std::map<std::int64_t, std::size_t> asked_;
  std::size_t next_line_ = 0;
  std::size_t finished_ = 0;
  millis now_ = 0;
  millis due_at_ = 0;
  trace trace_;
};

} // namespace

trace run_reference_model(const scenario& what) {
  return run_reference_model(what, [](auto) { return std::size_t{0}; });
}

trace run_reference_model(const scenario& what, const event_chooser& choose) {
  return model{what, choose}.run();
}

} // namespace weir::simulation
