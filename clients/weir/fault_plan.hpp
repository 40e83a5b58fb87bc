// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which calls of a pool are disturbed, and how: what somebody sets who wants to try out timeouts,
/// retries and capacities before a store does it to them. Deterministic; not thread-safe.
/// Shown by tests/clients/fault_plan_test.cpp.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Faults that are injected into the calls of a pool, whatever its store is.
struct fault_settings {
  /// What is added to each call: a time drawn uniformly from here ...
  duration latency_min{0};
  /// ... to here. Not less than `latency_min`.
  duration latency_max{0};
  /// Share of the calls that fail with the kind `injected` and do not reach the store. 0 to 1.
  double errors = 0;
  /// Share of the calls that are never answered and do not reach the store. 0 to 1 - `errors`.
  double hangs = 0;
  /// The same seed disturbs the calls in the same way, in the order in which they are submitted.
  std::uint64_t seed = 1;
};

/// The kind of an injected error.
inline constexpr std::string_view injected_error_kind = "injected";

/// The first rule that `settings` breaks; `pool` is named in the error.
expected<void> check(const fault_settings& settings, const std::string& pool);

/// Decides call by call.
class fault_plan {
public:
  enum class fate : std::uint8_t { pass, fail, hang };

  struct decision {
    fate what = fate::pass;
    /// Added to the call; also to one that fails.
    duration latency{0};
  };

  /// `settings` must have passed `check`.
  explicit fault_plan(const fault_settings& settings) noexcept
    : settings_(settings),
      state_(settings.seed) {}

  /// What becomes of the next call. Draws the same numbers whatever it decides, so that another share
  /// of errors leaves the latencies as they were.
  decision next() noexcept;

private:
  /// Uniform in [0, 1).
  double draw() noexcept;

  fault_settings settings_;
  std::uint64_t state_;
};

} // namespace weir
