// SPDX-License-Identifier: Apache-2.0
#pragma once

// Random scenarios, the same for the same seed: all modes, three keys, small bounds, short times,
// so that much meets in one millisecond; with barriers and restores, and at times with records of
// one value.

#include "weir/scenario.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <vector>

namespace weir::simulation::testing {

class scenario_generator {
public:
  explicit scenario_generator(std::uint64_t seed) : random_(seed) {}

  /// From 0 to `bound` - 1.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random_()) % bound; }

  scenario next() {
    scenario made;
    made.with = settings();
    add_input(made);
    for (const auto value : values_)
      for (auto answers = between(1, 3); answers > 0; --answers)
        made.service[value].push_back(answer(value, true));
    return made;
  }

private:
  // The standard's distributions differ between libraries; these do not.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::size_t>(most - least + 1)));
  }
  bool one_in(std::size_t times) { return below(times) == 0; }

  scenario_operator settings() {
    scenario_operator with;
    with.mode = static_cast<scenario_mode>(below(3));
    if (one_in(2))
      with.capacity = 1 + below(4);
    if (one_in(2))
      with.max_concurrent_calls = 1 + below(std::min<std::size_t>(with.capacity, 3));
    with.retry = retry();
    if (with.retry.kind != retry_kind::none || one_in(2))
      with.timeout = between(1, 20);
    with.on_timeout.kind = static_cast<hook_kind>(below(4));
    with.on_timeout.emit.resize(below(3), -1);
    with.on_timeout.error = "late";
    with.on_failure = static_cast<scenario_failure_action>(one_in(6) ? 0 : 1 + below(2));
    return with;
  }

  scenario_retry retry() {
    scenario_retry made;
    made.kind = static_cast<retry_kind>(below(3));
    made.max_attempts = static_cast<std::uint32_t>(between(1, 3));
    made.delay = between(1, 6);
    made.initial = between(1, 4);
    made.max = made.initial + between(0, 9);
    made.multiplier = one_in(2) ? 2 : 1.5;
    made.if_empty = one_in(2);
    if (one_in(2))
      made.if_error = one_in(2) ? "any" : "io";
    return made;
  }

  scenario_answer answer(std::int64_t value, bool may_be_twice) {
    scenario_answer made;
    made.after = one_in(8) ? 0 : between(1, 12);
    made.never = one_in(15);
    made.throws = may_be_twice && !made.never && one_in(15);
    if (made.throws || one_in(3))
      made.error = one_in(2) ? "io" : "busy";
    else if (!one_in(6))
      made.emit = results(value);
    if (may_be_twice && one_in(6))
      made.twice.push_back(answer(value, false));
    return made;
  }

  std::vector<std::int64_t> results(std::int64_t value) {
    std::vector<std::int64_t> made(below(4));
    for (auto& result : made)
      result = value * 100 + between(0, 99);
    return made;
  }

  void add_input(scenario& made) {
    const bool share_values = one_in(4);
    const bool restores = one_in(2);
    for (auto lines = between(1, 12); lines > 0; --lines) {
      if (!one_in(3))
        now_ += between(0, 6);
      const auto kind = below(12);
      if (kind < 8 && !ended_)
        add_element(made, kind, share_values);
      else if (restores && kind < 10)
        add_barrier(made);
      else if (restores && kind == 10 && barriers_ > 0)
        add_restore(made);
      else if (kind == 11 && !ended_ && one_in(2))
        add_end(made);
    }
  }

  void add_element(scenario& made, std::size_t kind, bool share_values) {
    if (kind == 6)
      return made.input.push_back({now_, watermark_arrives{now_}});
    if (kind == 7)
      return made.input.push_back({now_, status_arrives{one_in(2)}});
    record_arrives record;
    const auto tens = share_values ? 1 : static_cast<std::int64_t>(made.input.size());
    record.value = 10 * tens + between(1, 3);
    values_.insert(record.value);
    if (!one_in(3))
      record.ts = now_;
    made.input.push_back({now_, record});
  }

  void add_barrier(scenario& made) { made.input.push_back({now_, barrier_arrives{++barriers_}}); }

  void add_restore(scenario& made) {
    operator_restores restores{between(1, barriers_), one_in(3), {}};
    if (one_in(2))
      restores.with = settings();
    made.input.push_back({now_, restores});
  }

  void add_end(scenario& made) {
    made.input.push_back({now_, end_arrives{}});
    ended_ = true;
  }

  std::mt19937_64 random_;
  millis now_ = 0;
  std::set<std::int64_t> values_;
  std::int64_t barriers_ = 0;
  bool ended_ = false;
};

} // namespace weir::simulation::testing
