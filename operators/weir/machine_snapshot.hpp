// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an operator holds at a barrier, as a value: every entry that is not yet emitted, in arrival order.
/// For tests, simulations and whoever else looks into a machine. In and Out must be copyable.

#include "weir/held_record.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

/// A record that is not yet emitted; see `held_facts` for fields of the same names.
template <class In, class Out>
struct record_snapshot {
  /// Finished for good with an error that its operator's `on_failure` turned into a dead letter or
  /// dropped.
  struct failure {
    error why;
    failure_action met;
  };

  In value;
  event_time timestamp;
  origin from;
  key_hash key = 0;
  std::uint32_t attempt = 0;
  std::optional<duration> timeout_left{};
  std::optional<duration> backoff_left{};
  /// Present once finished: the results that will leave, or the failure.
  std::optional<std::variant<std::vector<Out>, failure>> finished{};
  /// At most four.
  std::vector<duration> durations{};
  bool running = false;
};

template <class In, class Out>
struct machine_snapshot {
  /// Records and borders in arrival order.
  std::vector<std::variant<record_snapshot<In, Out>, control>> entries;
  /// Whether the end of input has been taken in.
  bool input_ended = false;
};

/// Makes a snapshot of what a machine saves.
template <class In, class Out>
class snapshot_writer final : public entry_writer {
public:
  void begin(std::size_t entries, bool input_ended) override {
    made_.entries.reserve(entries);
    made_.input_ended = input_ended;
  }

  void record(const held_record& what) override {
    record_snapshot<In, Out> copy{*static_cast<const In*>(what.value), what.timestamp, what.from,
                                  what.key, what.attempt, what.timeout_left, what.backoff_left};
    copy.durations.assign(what.durations.begin(), what.durations.end());
    copy.running = what.running;
    if (what.why != nullptr) {
      copy.finished = typename record_snapshot<In, Out>::failure{*what.why, what.met};
    } else if (what.finished) {
      const auto* first = static_cast<const Out*>(what.results);
      copy.finished = std::vector<Out>(first, first + what.result_count);
    }
    made_.entries.push_back(std::move(copy));
  }

  void border(const control& what) override { made_.entries.emplace_back(what); }

  machine_snapshot<In, Out> take() { return std::move(made_); }

private:
  machine_snapshot<In, Out> made_;
};

/// Lets a machine restore a snapshot, which outlives it.
template <class In, class Out>
class snapshot_reader final : public entry_reader {
public:
  explicit snapshot_reader(const machine_snapshot<In, Out>& of) : of_(of) {}

  bool input_ended() const override { return of_.input_ended; }

  bool next(std::variant<control, read_record>& into) override {
    if (next_ == of_.entries.size())
      return false;
    const auto& entry = of_.entries[next_++];
    if (const auto* border = std::get_if<control>(&entry)) {
      into = *border;
      return true;
    }
    record_ = &std::get<record_snapshot<In, Out>>(entry);
    results_read_ = 0;
    into = facts_of(*record_);
    return true;
  }

  void read_value(void* raw) override { std::construct_at(static_cast<In*>(raw), record_->value); }
  void read_result(void* raw) override {
    std::construct_at(static_cast<Out*>(raw), std::get<0>(*record_->finished)[results_read_++]);
  }
  error read_error() override { return std::get<1>(*record_->finished).why; }

private:
  static read_record facts_of(const record_snapshot<In, Out>& of) {
    read_record facts;
    facts.timestamp = of.timestamp;
    facts.from = of.from;
    facts.key = of.key;
    facts.attempt = of.attempt;
    facts.running = of.running;
    facts.timeout_left = of.timeout_left;
    facts.backoff_left = of.backoff_left;
    for (const auto took : of.durations)
      facts.durations.push_back(took);
    facts.finished = of.finished.has_value();
    if (!of.finished)
      return facts;
    if (const auto* failed = std::get_if<1>(&*of.finished)) {
      facts.failed = true;
      facts.met = failed->met;
    } else {
      facts.results = std::get<0>(*of.finished).size();
    }
    return facts;
  }

  const machine_snapshot<In, Out>& of_;
  std::size_t next_ = 0;
  const record_snapshot<In, Out>* record_ = nullptr;
  std::size_t results_read_ = 0;
};

/// What `machine` holds at `now`.
template <class Machine>
auto snapshot_of(const Machine& machine, time_point now) {
  snapshot_writer<typename Machine::input_type, typename Machine::output_type> to;
  machine.save(to, now);
  return to.take();
}

/// See `operator_machine::restore`.
template <class Machine, class In, class Out>
void restore_snapshot(Machine& machine, const machine_snapshot<In, Out>& held, restore_mode how) {
  snapshot_reader<In, Out> from{held};
  machine.restore(from, how);
}

} // namespace weir
