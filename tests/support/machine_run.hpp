// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs a scenario on the real machine, in virtual time, events one at a time as the model
/// orders them. One nanosecond of the machine is one millisecond of the scenario, so that delays
/// are cut to whole milliseconds. One thread.

#include "scenario.hpp"
#include "scripted_machine.hpp"

#include <algorithm>
#include <stdexcept>

namespace weir::testing {

class machine_run {
public:
  explicit machine_run(const scenario& s)
    : scenario_(s),
      results_([this](item& x, event_time ts, const origin& from) { on_result(x, ts, from); },
               [this](const control& what) { on_control(what); },
               s.room ? s.room->results : journal_output<item>::unbounded),
      dead_letters_(
        [this](dead_letter<item>& x, event_time, const origin& from) { on_dead_letter(x, from); },
        [](const control&) {}, s.room ? s.room->dead_letters : journal_output<item>::unbounded) {
    script_.call = [this](const item& x, result_future<item> done) { on_call(x, std::move(done)); };
    if (s.with.hook.is != hook_setting::kind::fail)
      script_.timeout
        = [this](const item& x, result_future<item> done) { on_timeout(x, std::move(done)); };
    machine_ = scripted_machine::make(options_of(s.with), s.with.mode, script_);
  }

  trace run() {
    while (!machine_->failure() && find_next_time())
      handle_first_event();
    if (const auto& why = machine_->failure())
      trace_.failure = failed{now_, name_of(why->why), why->record};
    const auto n = machine_->counts();
    trace_.counts = counts_text(n.records_in, n.records_out, n.calls, n.retries, n.timeouts,
                                n.dropped, n.dead_letters, n.late_completions);
    return trace_;
  }

  static operator_options options_of(const settings& with) {
    operator_options options;
    options.name = "lookup";
    options.timeout = duration{with.timeout};
    options.capacity = with.capacity;
    options.capacity_bytes = with.capacity_bytes;
    if (with.max_concurrent_calls != 0)
      options.max_concurrent_calls = with.max_concurrent_calls;
    options.on_failure = with.on_failure;
    options.failure_rules = with.rules;
    options.at_end = with.at_end;
    const auto& retry = with.retry;
    error_predicate if_error;
    if (!retry.if_error.empty())
      if_error = [wanted = retry.if_error](const error& why) {
        return wanted == "any" || name_of(why) == wanted;
      };
    const auto if_result = retry.if_empty ? empty_result() : result_predicate{};
    if (retry.is == retry_setting::kind::fixed)
      options.retry
        = fixed_delay{retry.max_attempts, duration{retry.delay}, if_error, if_result};
    if (retry.is == retry_setting::kind::exponential)
      options.retry = exponential_delay{
        retry.max_attempts, duration{retry.delay}, duration{retry.max}, retry.multiplier, 0,
        if_error,           if_result};
    return options;
  }

private:
  struct coming {
    millis at = 0;
    std::size_t call = 0;
    answer with;
  };

  static constexpr millis never = std::numeric_limits<millis>::max();

  time_point now() const { return time_point{duration{now_}}; }
  operator_outputs out() { return {results_, &dead_letters_}; }

  // -- time --

  bool find_next_time() {
    auto next = never;
    for (const auto& x : coming_)
      next = std::min(next, x.at);
    if (const auto due = machine_->next_due(); due != time_point::max())
      next = std::min(next, due.time_since_epoch().count());
    if (arrived_ < scenario_.input.size())
      next = std::min(next, scenario_.input[arrived_].at);
    if (granted_ < scenario_.grants.size())
      next = std::min(next, scenario_.grants[granted_].at);
    now_ = next;
    return next != never;
  }

  void handle_first_event() {
    auto best = coming_.end();
    for (auto x = coming_.begin(); x != coming_.end(); ++x)
      if (x->at == now_ && (best == coming_.end() || x->call < best->call))
        best = x;
    if (best != coming_.end()) {
      give(futures_[best->call], best->with);
      coming_.erase(best);
      machine_->advance(out(), now());
    } else if (machine_->next_due() <= now()) {
      machine_->step(out(), now(), now());
    } else if (arrived_ < scenario_.input.size() && scenario_.input[arrived_].at == now_) {
      arrive(scenario_.input[arrived_++]);
    } else {
      results_.grant(scenario_.grants[granted_].results);
      dead_letters_.grant(scenario_.grants[granted_].dead_letters);
      ++granted_;
      machine_->advance(out(), now());
    }
    machine_->take(input_, taken_, out(), now());
  }

  void arrive(const element& x) {
    switch (x.kind) {
      case element_kind::record:
        input_.append({x.value, x.bytes}, x.ts ? event_time{*x.ts} : event_time::none(),
                      {records_++, 0, 0}, hash_of_key(key_of(x.value)));
        break;
      case element_kind::watermark:
        input_.append(control::watermark(event_time{x.value}));
        break;
      case element_kind::idle:
        input_.append(control::idle());
        break;
      case element_kind::active:
        input_.append(control::active());
        break;
      case element_kind::end:
        input_.append(control::end());
    }
  }

  // -- the service --

  void on_call(const item& x, result_future<item> done) {
    trace_.calls.push_back({now_, x.value, done.attempt()});
    const auto a = answer_to(scenario_, x.value, calls_of_[x.value]++);
    if (a.thrown)
      throw std::runtime_error(*a.error);
    auto answers = a.twice;
    answers.insert(answers.begin(), a);
    for (const auto& each : answers)
      if (each.after == 0 && !each.never)
        give(done, each);
      else if (!each.never)
        coming_.push_back({now_ + each.after, futures_.size(), each});
    futures_.push_back(std::move(done));
  }

  void on_timeout(const item& x, result_future<item> done) {
    const auto& hook = scenario_.with.hook;
    if (hook.is == hook_setting::kind::emit)
      give_results(done, hook.emit);
    else if (hook.is == hook_setting::kind::error)
      done.fail({hook.error, "service", ""});
    else if (x.value % 2 == 0)
      kept_.push_back(std::move(done));
  }

  static void give(result_future<item>& to, const answer& with) {
    if (with.error)
      to.fail({*with.error, "service", ""});
    else
      give_results(to, with.emit);
  }

  static void give_results(result_future<item>& to, const std::vector<int>& values) {
    if (values.empty()) {
      to.complete_empty();
    } else if (values.size() == 1) {
      to.complete(item{values.front(), item_bytes});
    } else {
      std::vector<item> many;
      for (const auto value : values)
        many.push_back({value, item_bytes});
      to.complete(std::move(many));
    }
  }

  // -- the journal --

  void on_result(const item& x, event_time ts, const origin& from) {
    trace_.output.push_back(
      {now_, record_text(x.value, ts.has_value() ? std::optional{ts.ms()} : std::nullopt),
       from.position});
  }

  void on_dead_letter(const dead_letter<item>& x, const origin& from) {
    std::vector<millis> durations;
    for (const auto d : x.durations)
      durations.push_back(d.count());
    trace_.output.push_back({now_,
                             dead_letter_text(x.value.value, name_of(x.why), x.attempts, durations),
                             from.position});
  }

  void on_control(const control& what) {
    switch (what.kind()) {
      case control_kind::watermark:
        note("watermark " + std::to_string(what.event_time().ms()));
        break;
      case control_kind::idle:
        note("status idle");
        break;
      case control_kind::active:
        note("status active");
        break;
      case control_kind::barrier:
        note("barrier " + std::to_string(what.checkpoint()));
        break;
      case control_kind::end:
        note("end");
    }
  }

  void note(std::string text) { trace_.output.push_back({now_, std::move(text), std::nullopt}); }

  /// The name that the scenario gave: what was thrown, or the kind.
  static std::string name_of(const error& why) {
    const auto at = why.message().rfind("threw: ");
    return at == std::string::npos ? why.kind() : why.message().substr(at + 7);
  }

  // -- data --

  const scenario& scenario_;
  millis now_ = 0;
  trace trace_;
  script script_;
  journal_output<item> results_;
  journal_output<dead_letter<item>> dead_letters_;
  std::vector<result_future<item>> futures_;
  std::vector<result_future<item>> kept_;
  std::vector<coming> coming_;
  std::map<int, std::size_t> calls_of_;
  batch<item> input_;
  batch_cursor taken_;
  std::size_t arrived_ = 0;
  std::size_t granted_ = 0;
  std::uint64_t records_ = 0;
  std::unique_ptr<scripted_machine> machine_;
};

} // namespace weir::testing
