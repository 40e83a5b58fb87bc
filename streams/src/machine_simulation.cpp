// SPDX-License-Identifier: Apache-2.0
#include "weir/machine_simulation.hpp"

#include "run_watcher.hpp"
#include "simulated_operator.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <stdexcept>
#include <tuple>

namespace weir::simulation {

namespace {

using namespace detail;

template <class... Ts>
struct overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
overloaded(Ts...) -> overloaded<Ts...>;

/// The key of a record in key-ordered mode: its value modulo 10, in 0..9.
std::int64_t key_of(std::int64_t value) {
  return (value % 10 + 10) % 10;
}

std::int64_t twice(std::int64_t value) {
  return static_cast<std::int64_t>(2 * static_cast<std::uint64_t>(value));
}

class run final : public user_code {
public:
  run(const scenario& of, std::vector<happening>* log, const simulation_limits& limits)
    : scenario_(of),
      limits_(limits),
      settings_(&of.with),
      results_([this](simulated_result x, event_time ts, const origin& from) {
                 on_result(x, ts, from);
               },
               [this](const control& what) { on_control(what); }),
      dead_letters_([this](const dead_letter<simulated_record>& x, event_time, const origin&) {
                      on_dead_letter(x);
                    },
                    [](const control&) {}) {
    if (log != nullptr)
      watcher_.emplace(of, *log);
    for (const auto& line : of.input)
      if (const auto* restore = std::get_if<operator_restores>(&line.what))
        restored_ids_.insert(restore->id);
    trace_.name = of.name;
    operator_ = std::make_unique<simulated_operator>(*settings_, *this);
  }

  expected<trace> to_end() {
    while (!trace_.failed && find_next_time()) {
      if (now_ > limits_.end)
        return too_long("it runs past " + std::to_string(limits_.end) + " ms of virtual time");
      handle_first_event();
      if (steps_ > limits_.steps)
        return too_long("it takes more than " + std::to_string(limits_.steps)
                        + " steps (calls, results, copies of what a barrier finds)");
    }
    return std::move(trace_);
  }

private:
  struct open_call {
    simulated_future done;
    std::size_t element = 0;
    std::int64_t value = 0;
    /// Answers that are still to come.
    std::size_t coming = 0;
    bool held_on_to = false;
  };

  struct kept_snapshot {
    simulated_snapshot held;
    std::vector<std::size_t> waiting;
    std::deque<std::size_t> borders;
  };

  error too_long(const std::string& why) const {
    return {error_kind::argument, "scenario " + scenario_.name, why};
  }

  // -- time --

  time_point now() const { return time_point{as_duration(now_)}; }
  operator_outputs out() { return {results_, &dead_letters_}; }
  simulated_operator& machine() { return *operator_; }

  millis next_due() {
    const auto due = machine()->next_due();
    return due == time_point::max()
             ? never_
             : std::chrono::duration_cast<std::chrono::milliseconds>(due.time_since_epoch()).count();
  }

  bool find_next_time() {
    auto next = next_due();
    if (!answers_.empty())
      next = std::min(next, std::get<0>(answers_.begin()->first));
    if (read_ < scenario_.input.size())
      next = std::min(next, scenario_.input[read_].at);
    now_ = next;
    if (watcher_)
      watcher_->set_time(now_);
    return next != never_;
  }

  void handle_first_event() {
    if (!answers_.empty() && std::get<0>(answers_.begin()->first) == now_) {
      give_first_answer();
      machine()->advance(out(), now());
    } else if (next_due() <= now_) {
      machine()->step(out(), now(), now());
    } else {
      handle_input(read_++);
    }
    machine()->take(input_, taken_, out(), now());
    if (const auto& failure = machine()->failure())
      fail(*failure);
    else if (watcher_)
      look();
  }

  void fail(const operator_failure& failure) {
    const auto element = static_cast<std::size_t>(std::stoull(failure.record));
    const auto& record = std::get<record_arrives>(scenario_.input[element].what);
    trace_.failed = trace_failure{now_, name_of(failure.why), record.value};
    if (watcher_)
      watcher_->fails_job(element);
  }

  void look() {
    const auto held = machine()->snapshot(now());
    steps_ += held.entries.size();
    watcher_->look(held, waiting());
  }

  // -- input --

  /// What has arrived and was not yet taken in.
  std::span<const std::size_t> waiting() const {
    return std::span{arrived_}.subspan(taken_.record + taken_.control);
  }

  void handle_input(std::size_t element) {
    std::visit(overloaded{[&](const barrier_arrives& barrier) { pass(barrier, element); },
                          [&](const operator_restores& how) {
                            if (watcher_)
                              watcher_->passes(element);
                            restore(how);
                          },
                          [&](const auto&) {
                            if (watcher_)
                              watcher_->arrives(element);
                            append(element);
                          }},
               scenario_.input[element].what);
  }

  /// Puts an element behind those that wait.
  void append(std::size_t element) {
    if (waiting().empty())
      start_input();
    arrived_.push_back(element);
    std::visit(overloaded{[&](const record_arrives& record) {
                            input_.append({record.value, element},
                                          record.ts ? event_time{*record.ts} : event_time::none(),
                                          {element, 0, 0}, hash_of_key(key_of(record.value)));
                          },
                          [&](const watermark_arrives& watermark) {
                            input_.append(control::watermark(event_time{watermark.time}));
                          },
                          [&](const status_arrives& status) {
                            input_.append(status.idle ? control::idle() : control::active());
                          },
                          [&](const auto&) { input_.append(control::end()); }},
               scenario_.input[element].what);
  }

  void start_input() {
    input_.clear();
    taken_ = {};
    arrived_.clear();
  }

  // -- barriers --

  void pass(const barrier_arrives& barrier, std::size_t element) {
    if (restored_ids_.contains(barrier.id))
      snapshots_[barrier.id] = keep();
    trace_.output.push_back({now_, barrier_leaves{barrier.id}});
    if (watcher_)
      watcher_->passes(element);
  }

  kept_snapshot keep() {
    kept_snapshot kept{machine()->snapshot(now()), {waiting().begin(), waiting().end()}, {}};
    steps_ += kept.waiting.size() + kept.held.entries.size();
    for (const auto& each : kept.held.entries)
      if (const auto* entry = std::get_if<simulated_entry>(&each); entry && entry->finished)
        if (const auto* results = std::get_if<0>(&*entry->finished))
          steps_ += results->size();
    if (watcher_)
      kept.borders = watcher_->borders();
    return kept;
  }

  void restore(const operator_restores& how) {
    const auto& kept = snapshots_.at(how.id);
    const auto& held = kept.held;
    if (how.with)
      settings_ = &*how.with;
    // The old operator goes before its futures, so that it hears of none of them.
    operator_ = std::make_unique<simulated_operator>(*settings_, *this);
    answers_.clear();
    calls_.clear();
    start_input();
    for (const auto element : kept.waiting)
      append(element);
    if (watcher_)
      watcher_->restored(*settings_, held, kept.waiting, kept.borders);
    steps_ += held.entries.size() + 1;
    machine()->restore(held, how.call_all ? restore_mode::call_all : restore_mode::resume, now());
    machine()->advance(out(), now());
  }

  // -- the service --

  const std::vector<scenario_answer>& answers_for(std::int64_t value) const {
    static const std::vector<scenario_answer> plain(1);
    const auto found = scenario_.service.find(value);
    if (found != scenario_.service.end() && !found->second.empty())
      return found->second;
    return scenario_.otherwise.empty() ? plain : scenario_.otherwise;
  }

  void call(const simulated_record& of, simulated_future done) override {
    ++steps_;
    trace_.calls.push_back({now_, of.value, done.attempt()});
    const auto& all = answers_for(of.value);
    const auto& first = all[std::min(calls_of_[of.value]++, all.size() - 1)];
    const auto number = ++last_call_;
    if (watcher_)
      watcher_->called(of.element, done.attempt(), number);
    if (first.throws) {
      if (watcher_)
        watcher_->answered(of.element, number, true);
      throw std::runtime_error(first.error.value_or(""));
    }
    open_call made{std::move(done), of.element, of.value, 0, false};
    answer_or_schedule(made, number, first, 0);
    for (std::size_t i = 0; i < first.twice.size(); ++i)
      answer_or_schedule(made, number, first.twice[i], i + 1);
    if (made.coming > 0 || made.held_on_to)
      calls_.emplace(number, std::move(made));
  }

  void answer_or_schedule(open_call& to, std::uint64_t number, const scenario_answer& answer,
                          std::size_t place) {
    if (answer.never) {
      to.held_on_to = true;
    } else if (answer.after == 0) {
      give(to, number, answer);
    } else {
      // Behind the end of virtual time, where the sum would be too great.
      const auto at = answer.after > limits_.end - now_ ? limits_.end + 1 : now_ + answer.after;
      answers_.emplace(std::tuple{at, number, place}, &answer);
      ++to.coming;
    }
  }

  void give_first_answer() {
    const auto [when, answer] = *answers_.begin();
    answers_.erase(answers_.begin());
    const auto number = std::get<1>(when);
    const auto found = calls_.find(number);
    give(found->second, number, *answer);
    if (--found->second.coming == 0)
      calls_.erase(found);
  }

  void give(open_call& to, std::uint64_t number, const scenario_answer& answer) {
    if (watcher_)
      watcher_->answered(to.element, number, answer.error.has_value());
    if (answer.error)
      to.done.fail(named_error(*answer.error));
    else if (answer.emit)
      give_results(to.done, *answer.emit);
    else
      to.done.complete(twice(to.value));
  }

  void give_results(simulated_future& to, const std::vector<std::int64_t>& results) {
    steps_ += results.size();
    // The run is about to end; many copies of a long list would take all memory until then.
    if (steps_ > limits_.steps || results.empty())
      to.complete_empty();
    else if (results.size() == 1)
      to.complete(results.front());
    else
      to.complete(results);
  }

  void time_out(const simulated_record& of, simulated_future done) override {
    if (watcher_)
      watcher_->times_out(of.element);
    const auto& hook = settings_->on_timeout;
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

  // -- what leaves --

  void on_result(simulated_result value, event_time ts, const origin& from) {
    const auto shown = ts.has_value() ? std::optional{ts.ms()} : std::nullopt;
    trace_.output.push_back({now_, value_leaves{value, shown}});
    if (watcher_)
      watcher_->leaves(from.position, happening_kind::leaves);
  }

  void on_dead_letter(const dead_letter<simulated_record>& letter) {
    trace_.output.push_back(
      {now_, dead_letter_leaves{letter.value.value, name_of(letter.why), letter.attempts}});
    if (watcher_)
      watcher_->leaves(letter.value.element, happening_kind::leaves_as_dead_letter);
  }

  void on_control(const control& what) {
    switch (what.kind()) {
      case control_kind::watermark:
        trace_.output.push_back({now_, watermark_leaves{what.event_time().ms()}});
        break;
      case control_kind::idle:
      case control_kind::active:
        trace_.output.push_back({now_, status_leaves{what.kind() == control_kind::idle}});
        break;
      case control_kind::barrier:
      case control_kind::end:
        return;
    }
    if (watcher_)
      watcher_->border_leaves();
  }

  // -- data --

  static constexpr millis never_ = INT64_MAX;

  const scenario& scenario_;
  const simulation_limits limits_;
  const scenario_operator* settings_;
  std::optional<run_watcher> watcher_;
  std::set<std::int64_t> restored_ids_;
  millis now_ = 0;
  std::size_t steps_ = 0;
  trace trace_;

  journal<simulated_result> results_;
  journal<dead_letter<simulated_record>> dead_letters_;
  std::unique_ptr<simulated_operator> operator_;
  /// Lines of the input that have been read.
  std::size_t read_ = 0;
  batch<simulated_record> input_;
  batch_cursor taken_;
  /// The elements in `input_`.
  std::vector<std::size_t> arrived_;
  std::map<std::int64_t, kept_snapshot> snapshots_;

  std::map<std::int64_t, std::size_t> calls_of_;
  std::uint64_t last_call_ = 0;
  std::map<std::uint64_t, open_call> calls_;
  /// By time, number of the call, and place among the answers to it.
  std::map<std::tuple<millis, std::uint64_t, std::size_t>, const scenario_answer*> answers_;
};

/// What would keep an operator of these settings from being built.
std::optional<error> mistake_in(const scenario_operator& with) {
  auto mistakes = options_of(with).mistakes();
  return mistakes.empty() ? std::nullopt : std::optional{std::move(mistakes.front())};
}

std::optional<error> mistake_in(const scenario& what) {
  auto found = mistake_in(what.with);
  std::set<std::int64_t> barriers;
  for (const auto& line : what.input)
    if (const auto* barrier = std::get_if<barrier_arrives>(&line.what)) {
      barriers.insert(barrier->id);
    } else if (const auto* how = std::get_if<operator_restores>(&line.what)) {
      if (!found && how->with)
        found = mistake_in(*how->with);
      if (!found && !barriers.contains(how->id))
        found = error{error_kind::argument, "scenario " + what.name,
                      "it restores barrier " + std::to_string(how->id) + ", which has not come"};
    }
  return found;
}

} // namespace

expected<trace> simulate(const scenario& what, std::vector<happening>* log,
                         const simulation_limits& limits) {
  if (auto mistake = mistake_in(what))
    return std::move(*mistake);
  return run{what, log, limits}.to_end();
}

} // namespace weir::simulation
