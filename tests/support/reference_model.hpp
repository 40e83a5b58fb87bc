// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What docs/semantics.md says, written down as slowly and as plainly as
/// possible: one list of entries in arrival order, one list of answers that are to come, and a
/// linear search for whatever is next. Shares no code with the machine. One thread.

#include "scenario.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <list>

namespace weir::testing {

class reference_model {
public:
  explicit reference_model(const scenario& s) : scenario_(s), with_(s.with) {
    if (s.room)
      room_ = *s.room;
  }

  trace run() {
    while (!trace_.failure && find_next_time())
      handle_first_event();
    trace_.counts = counts_text(in_, out_, trace_.calls.size(), retries_, timeouts_, dropped_,
                                dead_letters_, late_);
    return trace_;
  }

private:
  static constexpr millis never = std::numeric_limits<millis>::max();

  enum class state { waiting, running, backing_off, finished, border };

  /// How a call, a hook or a record ended.
  struct outcome {
    std::vector<int> results;
    /// What `if_error`, dead letters and failures name it by; absent: no error.
    std::optional<std::string> error;
    /// What `failure_rules` see: `exception` for what was thrown.
    std::string kind;
  };

  struct entry {
    std::size_t element = 0;
    std::uint64_t position = 0;
    state is = state::waiting;
    std::uint32_t attempt = 0;
    millis deadline = never;
    millis back_off_end = never;
    millis called_at = 0;
    bool hook_called = false;
    outcome with;
    failure_action met = failure_action::fail_job;
    std::size_t finished_as = 0;
    std::size_t result_bytes = 0;
    std::vector<millis> durations;
  };

  struct coming {
    millis at = 0;
    std::size_t call = 0;
    std::uint64_t position = 0;
    std::uint32_t attempt = 0;
    outcome with;
    /// Of a call that was completed before.
    bool again = false;
  };

  // -- time --

  bool find_next_time() {
    auto next = never;
    for (const auto& x : coming_)
      next = std::min(next, x.at);
    for (const auto& e : entries_)
      next = std::min({next, e.deadline, e.back_off_end});
    if (arrived_ < scenario_.input.size())
      next = std::min(next, scenario_.input[arrived_].at);
    if (granted_ < scenario_.grants.size())
      next = std::min(next, scenario_.grants[granted_].at);
    now_ = next;
    return next != never;
  }

  /// Completions in the order of their calls, then timeouts, then ends of back-off, both in arrival
  /// order, then input in the order of the file; then, which is no part of the language, room.
  void handle_first_event() {
    auto best = coming_.end();
    for (auto x = coming_.begin(); x != coming_.end(); ++x)
      if (x->at == now_ && (best == coming_.end() || x->call < best->call))
        best = x;
    if (best != coming_.end()) {
      const auto x = *best;
      coming_.erase(best);
      on_answer(x);
      settle();
      return;
    }
    for (auto& e : entries_)
      if (e.deadline == now_) {
        on_timeout(e);
        settle();
        return;
      }
    for (auto& e : entries_)
      if (e.back_off_end == now_) {
        e.back_off_end = never;
        e.is = state::waiting;
        settle();
        return;
      }
    if (arrived_ < scenario_.input.size() && scenario_.input[arrived_].at == now_) {
      ++arrived_;
      settle();
      return;
    }
    room_.results += scenario_.grants[granted_].results;
    room_.dead_letters += scenario_.grants[granted_].dead_letters;
    ++granted_;
    settle();
  }

  /// What follows from an event.
  void settle() {
    while (!trace_.failure && (let_one_leave() || call_one() || take_one())) {
    }
    if (!trace_.failure && input_ended_ && entries_.empty() && !end_left_) {
      end_left_ = true;
      trace_.output.push_back({now_, "end", std::nullopt});
    }
  }

  // -- leaving --

  bool let_one_leave() {
    const auto e = next_to_leave();
    if (e == entries_.end())
      return false;
    const auto& x = scenario_.input[e->element];
    if (e->is == state::border) {
      trace_.output.push_back({now_, border_text(x), std::nullopt});
    } else if (!e->with.error) {
      if (!e->with.results.empty() && scenario_.room && room_.results <= 0)
        return false;
      for (const auto value : e->with.results)
        trace_.output.push_back({now_, record_text(value, x.ts), e->position});
      room_.results -= static_cast<std::int64_t>(e->with.results.size());
      out_ += e->with.results.size();
    } else if (e->met == failure_action::drop) {
      ++dropped_;
    } else {
      if (scenario_.room && room_.dead_letters <= 0)
        return false;
      auto last = e->durations;
      while (last.size() > 4)
        last.erase(last.begin());
      trace_.output.push_back(
        {now_, dead_letter_text(x.value, *e->with.error, e->attempt, last), e->position});
      --room_.dead_letters;
      ++dead_letters_;
    }
    entries_.erase(e);
    return true;
  }

  std::list<entry>::iterator next_to_leave() {
    if (entries_.empty() || entries_.front().is == state::border)
      return entries_.begin();
    if (with_.mode == output_mode::ordered)
      return entries_.front().is == state::finished ? entries_.begin() : entries_.end();
    auto best = entries_.end();
    for (auto e = entries_.begin(); e != entries_.end() && e->is != state::border; ++e)
      if (e->is == state::finished && !has_earlier_of_its_key(e, false)
          && (best == entries_.end() || e->finished_as < best->finished_as))
        best = e;
    return best;
  }

  /// In key-ordered mode: whether there is an earlier record of the same key that has not left, or
  /// `unfinished`, that is not finished.
  bool has_earlier_of_its_key(std::list<entry>::iterator e, bool unfinished) {
    if (with_.mode != output_mode::key_ordered)
      return false;
    return std::any_of(entries_.begin(), e, [&](const entry& other) {
      return other.is != state::border && key_at(other) == key_at(*e)
             && !(unfinished && other.is == state::finished);
    });
  }

  int key_at(const entry& e) const { return key_of(scenario_.input[e.element].value); }

  static std::string border_text(const element& x) {
    if (x.kind == element_kind::watermark)
      return "watermark " + std::to_string(x.value);
    return x.kind == element_kind::idle ? "status idle" : "status active";
  }

  // -- calling --

  std::size_t running() const {
    return static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const entry& e) { return e.is == state::running; }));
  }

  std::size_t bytes_held() const {
    std::size_t sum = 0;
    for (const auto& e : entries_)
      if (e.is != state::border)
        sum += scenario_.input[e.element].bytes + e.result_bytes;
    return sum;
  }

  bool may_call() const {
    const auto most = with_.max_concurrent_calls == 0 ? with_.capacity : with_.max_concurrent_calls;
    return running() < most && bytes_held() < with_.capacity_bytes;
  }

  /// Beyond the bound on bytes: whether nothing else than this call can let anything leave.
  bool all_hangs_on(std::list<entry>::iterator first) {
    if (running() > 0 || next_to_leave() != entries_.end())
      return false;
    if (with_.mode == output_mode::ordered)
      return first == entries_.begin();
    return std::none_of(entries_.begin(), first,
                        [](const entry& e) { return e.is == state::border; });
  }

  bool call_one() {
    const auto first = first_to_call();
    if (first == entries_.end() || !(may_call() || all_hangs_on(first)))
      return false;
    call(*first);
    return true;
  }

  std::list<entry>::iterator first_to_call() {
    for (auto e = entries_.begin(); e != entries_.end(); ++e)
      if (e->is == state::waiting && !has_earlier_of_its_key(e, true))
        return e;
    return entries_.end();
  }

  void call(entry& e) {
    const auto value = scenario_.input[e.element].value;
    if (++e.attempt > 1)
      ++retries_;
    e.is = state::running;
    e.called_at = now_;
    trace_.calls.push_back({now_, value, e.attempt});
    const auto a = answer_to(scenario_, value, calls_of_[value]++);
    if (a.thrown) {
      end_attempt(e, outcome_of(a));
      return;
    }
    auto answers = a.twice;
    answers.insert(answers.begin(), a);
    std::stable_sort(answers.begin(), answers.end(),
                     [](const answer& l, const answer& r) { return l.after < r.after; });
    std::optional<outcome> at_once;
    bool completed = false;
    for (const auto& x : answers) {
      if (x.never)
        continue;
      if (x.after > 0)
        coming_.push_back({now_ + x.after, trace_.calls.size(), e.position, e.attempt,
                           outcome_of(x), completed});
      else if (completed)
        ++late_;
      else
        at_once = outcome_of(x);
      completed = true;
    }
    if (at_once)
      end_attempt(e, *at_once);
  }

  static outcome outcome_of(const answer& x) {
    if (x.error)
      return {{}, x.error, x.thrown ? "exception" : *x.error};
    return {x.emit, std::nullopt, {}};
  }

  void on_answer(const coming& x) {
    if (x.again) {
      ++late_;
      return;
    }
    for (auto& e : entries_)
      if (e.is == state::running && e.position == x.position && e.attempt == x.attempt) {
        end_attempt(e, x.with);
        return;
      }
    ++late_;
  }

  void end_attempt(entry& e, const outcome& with) {
    e.durations.push_back(now_ - e.called_at);
    if (!e.hook_called && !ends_retries() && e.attempt <= with_.retry.max_attempts
        && wants_retry(with)) {
      e.is = state::backing_off;
      e.back_off_end = now_ + delay_after(e.attempt);
      return;
    }
    e.is = state::waiting;
    finish(e, with);
  }

  bool ends_retries() const {
    return input_ended_ && with_.at_end == end_policy::last_attempt;
  }

  bool wants_retry(const outcome& with) const {
    if (with_.retry.is == retry_setting::kind::none)
      return false;
    if (!with.error)
      return with_.retry.if_empty && with.results.empty();
    return with_.retry.if_error == "any" || with_.retry.if_error == *with.error;
  }

  millis delay_after(std::uint32_t attempt) const {
    if (with_.retry.is == retry_setting::kind::fixed)
      return with_.retry.delay;
    auto delay = static_cast<long double>(with_.retry.delay);
    for (std::uint32_t n = 1; n < attempt; ++n)
      delay *= with_.retry.multiplier;
    return static_cast<millis>(std::floor(std::min<long double>(delay, with_.retry.max)));
  }

  // -- finishing --

  void finish(entry& e, const outcome& with) {
    if (e.is == state::running)
      e.durations.push_back(now_ - e.called_at);
    e.is = state::finished;
    e.finished_as = ++finished_;
    e.deadline = never;
    e.back_off_end = never;
    e.with = with;
    if (!with.error) {
      if (with.results.size() == 1)
        e.result_bytes = item_bytes;
      else if (!with.results.empty())
        e.result_bytes = sizeof(std::vector<int>) + item_bytes * with.results.size();
      return;
    }
    e.met = with_.on_failure;
    for (auto rule = with_.rules.rbegin(); rule != with_.rules.rend(); ++rule)
      if (rule->kind == with.kind)
        e.met = rule->action;
    if (e.met == failure_action::fail_job)
      trace_.failure = failed{now_, *with.error, std::to_string(scenario_.input[e.element].value)};
  }

  void on_timeout(entry& e) {
    ++timeouts_;
    e.deadline = never;
    e.back_off_end = never;
    e.hook_called = true;
    const outcome timeout{{}, "timeout_error", "timeout_error"};
    switch (with_.hook.is) {
      case hook_setting::kind::fail:
        finish(e, timeout);
        break;
      case hook_setting::kind::emit:
        finish(e, {with_.hook.emit, std::nullopt, {}});
        break;
      case hook_setting::kind::error:
        finish(e, {{}, with_.hook.error, with_.hook.error});
        break;
      case hook_setting::kind::nothing:
        if (e.is != state::running)
          finish(e, timeout);
    }
  }

  // -- taking in --

  bool take_one() {
    if (taken_ == arrived_)
      return false;
    const auto& x = scenario_.input[taken_];
    if (x.kind == element_kind::end) {
      ++taken_;
      input_ended_ = true;
      for (auto& e : entries_)
        if (e.is == state::backing_off && ends_retries()) {
          e.back_off_end = never;
          e.is = state::waiting;
        }
      return true;
    }
    const bool free_border
      = with_.mode == output_mode::key_ordered && x.kind != element_kind::record;
    if (!free_border && (counted() >= with_.capacity || bytes_held() >= with_.capacity_bytes))
      return false;
    // The bound on bytes was looked at just now; what this record adds does not stop its own call.
    const bool call_now = may_call() && first_to_call() == entries_.end();
    auto& e = entries_.emplace_back();
    e.element = taken_++;
    if (x.kind != element_kind::record) {
      e.is = state::border;
      return true;
    }
    e.position = in_++;
    if (with_.timeout > 0)
      e.deadline = now_ + with_.timeout;
    if (call_now && !has_earlier_of_its_key(std::prev(entries_.end()), true))
      call(e);
    return true;
  }

  /// Entries that count in the capacity.
  std::size_t counted() const {
    if (with_.mode != output_mode::key_ordered)
      return entries_.size();
    return static_cast<std::size_t>(std::count_if(
      entries_.begin(), entries_.end(), [](const entry& e) { return e.is != state::border; }));
  }

  // -- data --

  const scenario& scenario_;
  const settings& with_;
  millis now_ = 0;
  std::list<entry> entries_;
  std::list<coming> coming_;
  std::map<int, std::size_t> calls_of_;
  grant room_;
  std::size_t arrived_ = 0;
  std::size_t taken_ = 0;
  std::size_t granted_ = 0;
  std::size_t finished_ = 0;
  bool input_ended_ = false;
  bool end_left_ = false;
  trace trace_;
  std::uint64_t in_ = 0;
  std::uint64_t out_ = 0;
  std::uint64_t retries_ = 0;
  std::uint64_t timeouts_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t dead_letters_ = 0;
  std::uint64_t late_ = 0;
};

} // namespace weir::testing
