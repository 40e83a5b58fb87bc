// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Random scenarios, the same for the same seed on every machine: small and crowded, so that much meets in one
/// millisecond. All modes and settings, few keys, barriers and restores, at times records of one value; in
/// one of four many records that are in back-off when the input ends; and in one of a thousand so many borders
/// in a row that some are merged. One thread.

#include "weir/scenario.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace weir::simulation::testing {

class scenario_generator {
public:
  explicit scenario_generator(std::uint64_t seed) : random_(seed) {}

  /// From 0 to `bound` - 1.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_() % bound); }

  scenario next() {
    start();
    if (one_in(1000))
      return rows_of_borders();
    return one_in(4) ? ends_in_back_off() : anything();
  }

  /// Room downstream that comes bit by bit, and in the end enough for everything.
  std::vector<output_room> room() {
    std::vector<output_room> made;
    millis at = 0;
    for (auto n = between(1, 9); n > 0; --n) {
      made.push_back({at, between(0, 4), between(0, 2)});
      at += between(0, 15);
    }
    made.push_back({at + between(0, 200), 10'000, 10'000});
    return made;
  }

private:
  // The standard's distributions differ between libraries; these do not.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::size_t>(most - least + 1)));
  }
  bool one_in(std::size_t times) { return below(times) == 0; }

  void start() {
    now_ = 0;
    keys_ = 3;
    values_.clear();
    barriers_ = 0;
    ended_at_.clear();
    restored_ = false;
    said_ = -1;
    ended_ = false;
  }

  scenario anything() {
    scenario made;
    made.name = "anything";
    made.with = settings();
    add_input(made);
    for (const auto value : values_)
      for (auto answers = between(1, 3); answers > 0; --answers)
        made.service[value].push_back(answer(value, made.with.timeout));
    return made;
  }

  /// Many records fail once or twice, and the end comes while they wait to be called again.
  scenario ends_in_back_off() {
    scenario made;
    made.name = "ends in back-off";
    made.with = settings();
    made.with.mode = static_cast<scenario_mode>(below(3));
    made.with.capacity = one_in(4) ? static_cast<std::size_t>(between(3, 8)) : 100;
    made.with.max_concurrent_calls.reset();
    if (one_in(2))
      made.with.max_concurrent_calls = one_in(2) ? 1 : 2;
    made.with.capacity_bytes.reset();
    made.with.timeout = between(20, 200);
    made.with.retry = retry();
    made.with.retry.kind = one_in(2) ? retry_kind::fixed : retry_kind::exponential;
    made.with.retry.delay = made.with.retry.initial = between(4, 60);
    made.with.retry.max = made.with.retry.initial + between(0, 20);
    made.with.retry.if_error = "any";
    keys_ = one_in(2) ? 9 : 3;
    for (auto records = between(5, 15); records > 0; --records) {
      now_ += one_in(3) ? between(0, 2) : 0;
      const auto value = add_record(made, false);
      auto& answers = made.service[value];
      for (auto failures = between(1, 2); failures > 0; --failures)
        answers.push_back(failure());
      answers.push_back(answer(value, made.with.timeout));
      if (one_in(8))
        add_watermark(made);
    }
    const bool restores = one_in(3);
    if (restores)
      add_barrier(made, between(0, 6));
    now_ += between(1, 20);
    add_end(made);
    if (restores && one_in(2))
      add_barrier(made, between(0, 8));
    if (restores)
      add_restore(made, between(0, 8));
    now_ += between(0, 8);
    if (!ended_)
      add_end(made);
    return made;
  }

  /// By key, or restored so, with records between the rows and behind them.
  scenario rows_of_borders() {
    scenario made;
    made.name = "rows of borders";
    made.with.mode = one_in(3) ? scenario_mode::ordered : scenario_mode::key_ordered;
    made.with.capacity = 10'000;
    const bool restores = made.with.mode == scenario_mode::ordered || one_in(2);
    for (auto rows = between(1, 2); rows > 0; --rows) {
      made.service[add_record(made, false)].push_back(answer_after(between(20, 40)));
      add_borders(made);
    }
    if (restores) {
      add_barrier(made, between(0, 4));
      now_ += between(0, 4);
      made.input.push_back({now_, operator_restores{1, one_in(3), made.with}});
      auto& with = std::get<operator_restores>(made.input.back().what).with;
      with->mode = scenario_mode::key_ordered;
      for (auto more = between(0, 3); more > 0; --more)
        add_border(made, one_in(2));
    }
    made.service[add_record(made, false)].push_back(answer_after(between(0, 40)));
    add_end(made);
    return made;
  }

  /// Of one kind, or first of one and then of both, or of both.
  void add_borders(scenario& made) {
    const auto watermarks = below(3);
    for (auto n = between(990, 1'100); n > 0; --n)
      add_border(made, watermarks == 0 || (watermarks == 1 && one_in(2)));
    for (auto n = one_in(2) ? between(0, 1'100) : 0; n > 0; --n)
      add_border(made, one_in(2));
  }

  void add_border(scenario& made, bool is_watermark) {
    if (is_watermark)
      made.input.push_back({now_, watermark_arrives{static_cast<std::int64_t>(made.input.size())}});
    else
      made.input.push_back({now_, status_arrives{one_in(2)}});
  }

  static scenario_answer answer_after(millis delay) {
    scenario_answer made;
    made.after = delay;
    return made;
  }

  // -- settings --

  scenario_operator settings() {
    scenario_operator with;
    with.mode = static_cast<scenario_mode>(below(3));
    if (one_in(2))
      with.capacity = 1 + below(4);
    if (one_in(2))
      with.max_concurrent_calls = 1 + below(std::min<std::size_t>(with.capacity, 3));
    if (one_in(5))
      with.capacity_bytes = 1 + below(60);
    with.retry = retry();
    if (with.retry.kind != retry_kind::none || one_in(2))
      with.timeout = between(1, 25);
    with.on_timeout.kind = static_cast<hook_kind>(below(4));
    with.on_timeout.emit.resize(below(3), -1);
    with.on_timeout.error = "late";
    with.on_failure = failure_action();
    if (one_in(4))
      for (auto rules = between(1, 3); rules > 0; --rules)
        with.failure_rules.push_back({failed_name(), failure_action()});
    with.keeps_retrying = one_in(4);
    return with;
  }

  scenario_failure_action failure_action() {
    return static_cast<scenario_failure_action>(one_in(6) ? 0 : 1 + below(2));
  }

  std::string failed_name() {
    constexpr const char* names[] = {"io", "busy", "late", "timeout_error", "exception"};
    return names[below(5)];
  }

  scenario_retry retry() {
    scenario_retry made;
    made.kind = static_cast<retry_kind>(below(3));
    made.max_attempts = static_cast<std::uint32_t>(between(1, 3));
    made.delay = between(1, 6);
    made.initial = between(1, 4);
    made.max = made.initial + between(0, 9);
    constexpr double multipliers[] = {1, 1.5, 2, 3.25};
    made.multiplier = multipliers[below(4)];
    made.if_empty = one_in(2);
    if (one_in(2))
      made.if_error = one_in(2) ? "any" : "io";
    return made;
  }

  // -- service --

  scenario_answer answer(std::int64_t value, millis timeout) {
    auto made = one_answer(value, timeout);
    made.throws = !made.never && one_in(15);
    if (made.throws && !made.error)
      made.error = "io";
    for (auto more = one_in(6) ? between(1, 2) : 0; more > 0; --more)
      made.twice.push_back(one_answer(value, timeout));
    return made;
  }

  scenario_answer one_answer(std::int64_t value, millis timeout) {
    scenario_answer made;
    made.after = one_in(8) ? 0 : between(1, 12);
    if (timeout > 1 && one_in(8))
      made.after = timeout - between(0, 1);
    made.never = one_in(15);
    if (one_in(3))
      made.error = one_in(2) ? "io" : "busy";
    else if (!one_in(6))
      made.emit = results(value);
    return made;
  }

  scenario_answer failure() {
    scenario_answer made;
    made.after = between(0, 4);
    made.error = one_in(2) ? "io" : "busy";
    made.throws = made.after == 0 && one_in(2);
    return made;
  }

  std::vector<std::int64_t> results(std::int64_t value) {
    std::vector<std::int64_t> made(below(4));
    for (auto& result : made)
      result = value * 100 + between(0, 99);
    return made;
  }

  // -- input --

  void add_input(scenario& made) {
    const bool share_values = one_in(4);
    const bool restores = one_in(2);
    for (auto lines = between(1, 14); lines > 0; --lines) {
      if (!one_in(3))
        now_ += between(0, 6);
      const auto kind = below(12);
      if (kind < 8 && !ended_)
        add_element(made, kind, share_values);
      else if (restores && kind < 10)
        add_barrier(made, 0);
      else if (restores && kind == 10 && barriers_ > 0)
        add_restore(made, 0);
      else if (kind == 11 && !ended_ && one_in(2))
        add_end(made);
    }
    if (!ended_ && one_in(2))
      add_end(made);
  }

  void add_element(scenario& made, std::size_t kind, bool share_values) {
    if (kind == 6)
      add_watermark(made);
    else if (kind == 7)
      made.input.push_back({now_, status_arrives{one_in(2)}});
    else
      add_record(made, share_values);
  }

  std::int64_t add_record(scenario& made, bool share_values) {
    record_arrives record;
    const auto tens = share_values ? 1 : static_cast<std::int64_t>(made.input.size());
    record.value = 10 * tens + between(1, keys_);
    values_.insert(record.value);
    if (!one_in(3))
      record.ts = now_;
    if (one_in(5))
      record.bytes = below(40);
    made.input.push_back({now_, record});
    return record.value;
  }

  /// Who goes on from a checkpoint says no watermark again: on actors one that is said again is left out.
  void add_watermark(scenario& made) {
    if (restored_ && now_ <= said_)
      return;
    said_ = now_;
    made.input.push_back({now_, watermark_arrives{now_}});
  }

  void add_barrier(scenario& made, millis later) {
    now_ += later;
    made.input.push_back({now_, barrier_arrives{++barriers_}});
    ended_at_.resize(static_cast<std::size_t>(barriers_));
    ended_at_.back() = ended_;
  }

  /// An earlier barrier takes the end back.
  void add_restore(scenario& made, millis later) {
    now_ += later;
    operator_restores restores{between(1, barriers_), one_in(3), {}};
    if (one_in(2))
      restores.with = settings();
    made.input.push_back({now_, restores});
    restored_ = true;
    ended_ = ended_at_[static_cast<std::size_t>(restores.id) - 1];
  }

  void add_end(scenario& made) {
    made.input.push_back({now_, end_arrives{}});
    ended_ = true;
  }

  std::mt19937_64 random_;
  millis now_ = 0;
  std::int64_t keys_ = 3;
  std::set<std::int64_t> values_;
  std::int64_t barriers_ = 0;
  /// Whether the input had ended at each barrier.
  std::vector<bool> ended_at_;
  bool ended_ = false;
  bool restored_ = false;
  /// The last watermark.
  millis said_ = -1;
};

} // namespace weir::simulation::testing
