// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether an attempt that has ended is made again, and when: asks the retry strategy's predicates and
/// delay, which may be user code, and draws for the jitter. Part of the deterministic machine: not
/// thread-safe, its chance comes from a seed.

#include "weir/outcome.hpp"
#include "weir/retry_strategy.hpp"
#include "weir/splitmix64.hpp"
#include "weir/thrown_error.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace weir {

class retry_decision {
public:
  /// `thing` names the operator in errors.
  retry_decision(retry_strategy how, std::string thing, std::uint64_t seed)
    : how_(std::move(how)),
      thing_(std::move(thing)),
      looks_at_results_(how_.if_result()),
      chance_(seed) {}

  /// Whether completions without an error are asked about too.
  bool looks_at_results() const noexcept { return looks_at_results_; }

  /// How long to wait until the attempt after `attempt`; nothing where `with` is final. What a predicate or
  /// a delay throws takes its place and is final.
  template <class Out>
  std::optional<duration> after(std::uint32_t attempt, outcome<Out>& with) {
    if (attempt > how_.max_attempts())
      return std::nullopt;
    const char* asked = "retry predicate";
    try {
      if (!wants_retry(with))
        return std::nullopt;
      asked = "retry delay";
      return how_.delay(attempt, next_chance());
    } catch (...) {
      with.emplace(failed_outcome, thrown_error(thing_, asked));
    }
    return std::nullopt;
  }

private:
  template <class Out>
  bool wants_retry(const outcome<Out>& with) const {
    if (const auto* why = with.why())
      return how_.retries_error(*why);
    return looks_at_results_ && how_.if_result().holds(with.results());
  }

  double next_chance() {
    if (!how_.has_jitter())
      return 0;
    chance_ += splitmix64_step;
    return static_cast<double>(splitmix64(chance_) >> 11) * 0x1.0p-53;
  }

  const retry_strategy how_;
  const std::string thing_;
  const bool looks_at_results_;
  std::uint64_t chance_;
};

} // namespace weir
