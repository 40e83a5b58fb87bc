// SPDX-License-Identifier: Apache-2.0
#include "reference_model.hpp"

#include "model_state.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <stdexcept>
#include <utility>

namespace weir::simulation {

namespace {

struct snapshot {
  model_state of;
  millis taken_at = 0;
};

class model {
public:
  model(const scenario& what, const event_chooser& choose, bool ask_always) :
    what_(what), choose_(choose), ask_always_(ask_always), with_(what.with) {
    trace_.name = what.name;
    if (what.room)
      room_.emplace();
  }

  trace run() {
    while (!trace_.failed) {
      const auto due = events_due();
      if (due.empty())
        break;
      const auto next = due.size() == 1 && !ask_always_ ? 0 : choose_(due);
      assert(next < due.size());
      now_ = due_at_;
      handle(due[next]);
      follow_up();
    }
    close_account();
    return std::move(trace_);
  }

private:
  // -- what is due --

  /// Those of the earliest millisecond that may be next, in the order of scenarios.
  std::vector<event_description> events_due() {
    due_at_ = earliest();
    count_late_answers();
    std::vector<event_description> due;
    if (due_at_ == never)
      return due;
    add_completions(due);
    add_first_timeout(due);
    add_back_off_ends(due);
    if (next_line_ < what_.input.size() && what_.input[next_line_].at == due_at_)
      due.push_back({event_kind::input, due_at_, next_line_, value_of_line(next_line_), 0});
    if (room_ && next_room_ < what_.room->size() && (*what_.room)[next_room_].at == due_at_)
      due.push_back({event_kind::room, due_at_, next_room_, 0, 0});
    return due;
  }

  millis earliest() const {
    millis at = next_line_ < what_.input.size() ? what_.input[next_line_].at : never;
    if (room_ && next_room_ < what_.room->size())
      at = std::min(at, (*what_.room)[next_room_].at);
    for (const auto& each : state_.entries) {
      if (!each.answers.empty())
        at = std::min(at, each.answers.front().at);
      if (awaits_timeout(each))
        at = std::min(at, *each.deadline);
      if (each.stage == model_stage::backs_off)
        at = std::min(at, each.back_off_end);
    }
    return at;
  }

  /// In the order of their calls.
  void add_completions(std::vector<event_description>& due) const {
    std::map<std::size_t, const model_entry*> by_call;
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
      if (each.stage == model_stage::backs_off && each.back_off_end == due_at_
          && !(awaits_timeout(each) && *each.deadline == due_at_))
        due.push_back(describe(event_kind::back_off_end, each));
  }

  static bool awaits_timeout(const model_entry& each) {
    return each.stage != model_stage::finished && !each.hook_called && each.deadline;
  }

  bool completion_is_due(const model_entry& each) const {
    return !each.answers.empty() && each.answers.front().at == due_at_;
  }

  event_description describe(event_kind kind, const model_entry& of) const {
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
        entry_of_line(event.line).stage = model_stage::waits;
        return;
      case event_kind::wake_up: return;
      case event_kind::input: return arrive(next_line_++);
      case event_kind::room: return get_room(next_room_++);
    }
  }

  model_entry& entry_of_line(std::size_t line) {
    return *std::ranges::find(state_.entries, line, &model_entry::line);
  }

  void complete_by_first_answer(model_entry& of) {
    const auto answer = std::move(of.answers.front().answer);
    of.answers.erase(of.answers.begin());
    complete(of, answer);
  }

  void complete(model_entry& of, const scenario_answer& answer) {
    end_call(of);
    const auto& retry = with_.retry;
    if (of.attempts <= retry.max_attempts && !last_attempts() && !of.hook_called
        && wants_retry(retry, answer, of.value)) {
      of.stage = model_stage::backs_off;
      of.back_off_end = now_ + delay_before_retry(retry, of.attempts);
      return;
    }
    of.stage = model_stage::waits;
    if (answer.error)
      fail(of, *answer.error, source_of_error(answer));
    else
      finish_with_results(of, results_of(answer, of.value));
  }

  void time_out(model_entry& of) {
    of.hook_called = true;
    ++account_.timeouts;
    const auto& hook = with_.on_timeout;
    if (hook.kind == hook_kind::nothing && of.stage == model_stage::runs)
      return;
    if (of.stage == model_stage::runs)
      end_call(of);
    switch (hook.kind) {
      case hook_kind::emit: return finish_with_results(of, hook.emit);
      case hook_kind::error: return fail(of, hook.error, error_source::service_or_hook);
      case hook_kind::fail:
      case hook_kind::nothing: return fail(of, timeout_error, error_source::timeout);
    }
  }

  void fail(model_entry& of, const std::string& error, error_source from) {
    switch (action_for(with_, error, from)) {
      case scenario_failure_action::fail_job:
        trace_.failed = trace_failure{now_, error, of.value};
        return;
      case scenario_failure_action::drop:
        of.dropped = true;
        return finish(of, {});
      case scenario_failure_action::dead_letter:
        return finish(of, {dead_letter_leaves{of.value, error, of.attempts}});
    }
  }

  void finish_with_results(model_entry& of, const std::vector<std::int64_t>& results) {
    std::vector<leaving> leaves;
    for (const auto result : results)
      leaves.emplace_back(value_leaves{result, of.ts});
    of.result_bytes = results.size() * bytes_of_value + (results.size() > 1 ? bytes_of_list : 0);
    finish(of, std::move(leaves));
  }

  void finish(model_entry& of, std::vector<leaving> leaves) {
    of.stage = model_stage::finished;
    of.finished_as = finished_++;
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

  void get_room(std::size_t place) {
    room_->results += (*what_.room)[place].results;
    room_->dead_letters += (*what_.room)[place].dead_letters;
  }

  // -- calls --

  void call(model_entry& of) {
    of.stage = model_stage::runs;
    of.call = trace_.calls.size();
    of.called_at = now_;
    if (!std::exchange(of.repeats, false) && ++of.attempts > 1)
      ++account_.retries;
    trace_.calls.push_back({now_, of.value, of.attempts});
    const auto answer = answer_of_service(what_, of.value, asked_[of.value]++);
    if (answer.throws)
      return complete(of, answer);
    for (auto& each : answers_in_order(answer))
      of.answers.push_back({now_ + each.after, std::move(each)});
    if (of.answers.empty() || of.answers.front().at > now_)
      return;
    // The others that come within the call come before anything follows from the first.
    account_.late_completions += static_cast<std::uint64_t>(
      std::ranges::count(of.answers, now_, &coming_answer::at) - 1);
    const auto first = of.answers.front();
    std::erase_if(of.answers, [&](const auto& each) { return each.at == now_; });
    complete(of, first.answer);
  }

  /// Nobody waits any more for the answers that are to come.
  void end_call(model_entry& of) {
    of.attempt_times.push_back(now_ - of.called_at);
    for (const auto& each : of.answers)
      late_answers_.push_back(each.at);
    of.answers.clear();
  }

  void count_late_answers() {
    account_.late_completions += std::erase_if(late_answers_, [&](auto at) { return at <= due_at_; });
  }

  // -- restore --

  void restore(const operator_restores& how) {
    const auto found = snapshots_.find(how.id);
    if (found == snapshots_.end())
      throw std::invalid_argument{"barrier " + std::to_string(how.id) + " never came"};
    if (how.with)
      with_ = *how.with;
    state_ = found->second.of;
    late_answers_.clear();
    end_left_ = false;
    for (auto held = std::exchange(state_.entries, {}); !held.empty(); held.pop_front())
      if (held.front().border)
        add_border(with_, state_.entries, std::move(held.front()));
      else
        state_.entries.push_back(std::move(held.front()));
    for (auto& each : state_.entries) {
      each.answers.clear();
      if (!each.border && how.call_all)
        make_new(each);
      else if (!each.border)
        resume(each, now_ - found->second.taken_at);
    }
    if (last_attempts())
      end_back_offs();
  }

  void make_new(model_entry& of) {
    of.stage = model_stage::waits;
    of.attempts = 0;
    of.repeats = false;
    of.hook_called = false;
    of.deadline = new_deadline();
    of.result_bytes = 0;
    of.attempt_times.clear();
    of.dropped = false;
    of.leaves.clear();
  }

  void resume(model_entry& of, millis since) {
    if (of.stage == model_stage::finished)
      of.finished_as = finished_++;
    if (of.stage == model_stage::runs) {
      of.stage = model_stage::waits;
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
    if (!trace_.failed && state_.ended && state_.entries.empty()
        && !std::exchange(end_left_, true))
      account_.ended_at.push_back(now_);
  }

  bool one_leaves() {
    auto* const one = next_to_leave(with_, state_.entries);
    if (one == nullptr || !take_room(*one))
      return false;
    if (!one->border)
      account_for(*one);
    for (auto& each : one->leaves)
      trace_.output.push_back({now_, std::move(each)});
    state_.entries.remove_if([&](const model_entry& each) { return &each == one; });
    return true;
  }

  /// All of a record's results leave together, also where there is room for fewer.
  bool take_room(const model_entry& of) {
    if (!room_ || of.border || of.leaves.empty())
      return true;
    auto& room = is_dead_letter(of) ? room_->dead_letters : room_->results;
    if (room <= 0)
      return false;
    room -= std::ssize(of.leaves);
    return true;
  }

  static bool is_dead_letter(const model_entry& of) {
    return !of.leaves.empty() && std::holds_alternative<dead_letter_leaves>(of.leaves.front());
  }

  bool one_is_called() {
    auto* const one = next_to_call(with_, state_.entries);
    if (one != nullptr)
      call(*one);
    return one != nullptr;
  }

  bool one_is_taken() {
    if (state_.waiting.empty())
      return false;
    const auto line = state_.waiting.front();
    if (!has_room_for(with_, state_.entries, what_.input[line].what))
      return false;
    state_.waiting.erase(state_.waiting.begin());
    take(line);
    return true;
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
    ++account_.records_in;
    model_entry taken;
    taken.line = line;
    taken.value = record.value;
    taken.ts = record.ts;
    taken.bytes = record.bytes;
    taken.deadline = new_deadline();
    state_.entries.push_back(std::move(taken));
    if (is_called_at_once(with_, state_.entries))
      call(state_.entries.back());
  }

  void take_border(std::size_t line, leaving what) {
    model_entry taken;
    taken.line = line;
    taken.border = true;
    taken.stage = model_stage::finished;
    taken.leaves.push_back(std::move(what));
    add_border(with_, state_.entries, std::move(taken));
  }

  void take_end() {
    state_.ended = true;
    if (last_attempts())
      end_back_offs();
  }

  bool last_attempts() const { return state_.ended && !with_.keeps_retrying; }

  void end_back_offs() {
    for (auto& each : state_.entries)
      if (each.stage == model_stage::backs_off)
        each.stage = model_stage::waits;
  }

  // -- the account --

  void account_for(const model_entry& leaves) {
    ++account_.records_finished;
    if (is_dead_letter(leaves)) {
      ++account_.dead_letters;
      const auto& times = leaves.attempt_times;
      const auto kept = std::min<std::ptrdiff_t>(std::ssize(times), 4);
      account_.attempt_times.emplace_back(times.end() - kept, times.end());
    } else if (leaves.dropped) {
      ++account_.dropped;
    } else {
      account_.records_out += leaves.leaves.size();
    }
  }

  void close_account() {
    account_.calls = trace_.calls.size();
    if (!trace_.failed) {
      account_.held = state_.entries.size();
      account_.running = static_cast<std::size_t>(
        std::ranges::count(state_.entries, model_stage::runs, &model_entry::stage));
    }
    trace_.account = std::move(account_);
  }

  const scenario& what_;
  const event_chooser& choose_;
  const bool ask_always_;
  scenario_operator with_;
  model_state state_;
  std::map<std::int64_t, snapshot> snapshots_;
  /// By value: how many calls the service has answered.
  std::map<std::int64_t, std::size_t> asked_;
  /// When answers come that nobody waits for any more.
  std::vector<millis> late_answers_;
  std::size_t next_line_ = 0;
  std::size_t next_room_ = 0;
  /// What is left of it; absent: there is always room.
  std::optional<output_room> room_;
  std::size_t finished_ = 0;
  bool end_left_ = false;
  millis now_ = 0;
  millis due_at_ = 0;
  trace trace_;
  run_account account_;
};

} // namespace

trace run_reference_model(const scenario& what) {
  return run_reference_model(what, [](auto) { return std::size_t{0}; });
}

trace run_reference_model(const scenario& what, const event_chooser& choose) {
  return model{what, choose, false}.run();
}

trace run_reference_model_asking(const scenario& what, const event_chooser& choose) {
  return model{what, choose, true}.run();
}

} // namespace weir::simulation
