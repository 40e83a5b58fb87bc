// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Random scenarios, small and crowded, so that their events meet. The same seed gives the same
/// scenario on every machine. Pure functions.

#include "scenario.hpp"

#include <random>

namespace weir::testing {

class scenario_maker {
public:
  explicit scenario_maker(std::uint64_t seed) : random_(seed) {}

  scenario make() {
    scenario s;
    s.with = make_settings();
    s.input = make_input();
    for (int value = 0; value < 4; ++value)
      for (const int same_key : {value, value + 10})
        if (one_in(2))
          s.service[same_key] = make_answers(same_key, s.with.timeout);
    s.otherwise.after = upto(3);
    s.otherwise.emit = {99};
    return s;
  }

  /// Room that comes bit by bit, and in the end enough for everything.
  void limit_room(scenario& s) {
    s.room = grant{0, upto(3), upto(2)};
    millis at = 0;
    for (auto n = upto(8); n > 0; --n) {
      at += upto(15);
      s.grants.push_back({at, upto(4), upto(2)});
    }
    s.grants.push_back({at + upto(200), 10'000, 10'000});
  }

private:
  int upto(int most) { return static_cast<int>(random_() % static_cast<std::uint64_t>(most + 1)); }
  bool one_in(int n) { return upto(n - 1) == 0; }

  std::string error_name() {
    constexpr const char* names[] = {"io", "busy", "wrong"};
    return names[upto(2)];
  }

  settings make_settings() {
    settings with;
    constexpr output_mode modes[]
      = {output_mode::ordered, output_mode::unordered, output_mode::key_ordered};
    with.mode = modes[upto(2)];
    with.capacity = one_in(4) ? 100 : static_cast<std::size_t>(1 + upto(4));
    if (one_in(3))
      with.max_concurrent_calls
        = static_cast<std::size_t>(1 + upto(static_cast<int>(with.capacity) - 1));
    if (one_in(4))
      with.capacity_bytes = static_cast<std::size_t>(1 + upto(60));
    if (!one_in(3))
      with.timeout = 1 + upto(25);
    if (with.timeout > 0 && !one_in(3))
      with.retry = make_retry();
    with.hook = make_hook();
    with.on_failure = make_action();
    if (one_in(3)) {
      constexpr const char* kinds[] = {"io", "busy", "timeout_error", "exception"};
      for (auto n = 1 + upto(2); n > 0; --n)
        with.rules.push_back({kinds[upto(3)], make_action()});
    }
    if (one_in(3))
      with.at_end = end_policy::keep_retrying;
    return with;
  }

  failure_action make_action() {
    constexpr failure_action actions[]
      = {failure_action::fail_job, failure_action::dead_letter, failure_action::dead_letter,
         failure_action::drop, failure_action::drop};
    return actions[upto(4)];
  }

  retry_setting make_retry() {
    retry_setting retry;
    retry.is = one_in(2) ? retry_setting::kind::fixed : retry_setting::kind::exponential;
    retry.max_attempts = static_cast<std::uint32_t>(1 + upto(3));
    retry.delay = 1 + upto(6);
    retry.max = retry.delay + upto(10);
    constexpr double multipliers[] = {1, 1.5, 2, 3.25};
    retry.multiplier = multipliers[upto(3)];
    retry.if_empty = one_in(2);
    if (!one_in(4))
      retry.if_error = one_in(2) ? "any" : error_name();
    return retry;
  }

  hook_setting make_hook() {
    hook_setting hook;
    constexpr hook_setting::kind kinds[] = {hook_setting::kind::fail, hook_setting::kind::emit,
                                            hook_setting::kind::error, hook_setting::kind::nothing};
    hook.is = kinds[upto(3)];
    hook.emit = values(-1);
    hook.error = error_name();
    return hook;
  }

  std::vector<element> make_input() {
    std::vector<element> input;
    millis at = 0;
    const bool timestamps = one_in(2);
    for (auto n = upto(14); n > 0; --n) {
      at += one_in(2) ? 0 : upto(6);
      element x;
      x.at = at;
      // Two values a key.
      x.value = upto(3) + (one_in(2) ? 10 : 0);
      if (one_in(5))
        x.kind = one_in(2) ? element_kind::watermark
                           : (one_in(2) ? element_kind::idle : element_kind::active);
      else if (timestamps && !one_in(5))
        x.ts = x.value + 100;
      if (one_in(5))
        x.bytes = static_cast<std::size_t>(upto(40));
      input.push_back(x);
    }
    if (!one_in(4))
      input.push_back({at + upto(20), element_kind::end, 0, {}, item_bytes});
    return input;
  }

  std::vector<int> values(int of) {
    std::vector<int> made;
    for (auto n = one_in(3) ? 0 : 1 + upto(2); n > 0; --n)
      made.push_back(10 * of + n);
    return made;
  }

  answer make_answer(int of, millis timeout) {
    answer a;
    a.after = one_in(5) ? 0 : upto(12);
    if (timeout > 0 && one_in(6))
      a.after = timeout - 1 + upto(2);
    a.never = timeout > 0 && one_in(12);
    if (one_in(3))
      a.error = error_name();
    a.thrown = a.error && one_in(4);
    a.emit = values(of);
    return a;
  }

  std::vector<answer> make_answers(int of, millis timeout) {
    std::vector<answer> answers;
    for (auto n = 1 + upto(3); n > 0; --n) {
      answers.push_back(make_answer(of, timeout));
      auto& last = answers.back();
      for (auto more = one_in(4) ? 1 + upto(1) : 0; more > 0 && !last.thrown; --more) {
        last.twice.push_back(make_answer(of, timeout));
        last.twice.back().thrown = false;
      }
    }
    return answers;
  }

  std::mt19937_64 random_;
};

} // namespace weir::testing
