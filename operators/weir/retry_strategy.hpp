// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Decides whether and when a record is asked for again. A strategy is a plain value; its delay is a
/// function of the attempt alone (and of a random number that the caller draws), so that all records
/// may share one. Predicates are called on the operator's thread.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir {

/// Whether an error is worth another attempt.
using error_predicate = std::function<bool(const error&)>;

/// Holds for every error.
error_predicate any_error();

/// Holds for errors of one of these kinds.
error_predicate error_of_kind(std::vector<std::string> kinds);

/// Holds for every error that is of none of these kinds.
error_predicate error_not_of_kind(std::vector<std::string> kinds);

/// Waits the same time before each retry.
struct fixed_delay {
  /// Number of retries; there are up to `max_attempts` + 1 calls. > 0.
  std::uint32_t max_attempts = 0;
  /// > 0.
  duration delay{};
  /// Which errors are retried; empty = none.
  error_predicate if_error{};
  /// Whether a completion without results is retried.
  bool if_empty = false;
};

/// Waits min(initial x multiplier^(n-1), max) before retry n, rounded down to whole nanoseconds, less
/// a random part of it.
struct exponential_delay {
  /// Number of retries; there are up to `max_attempts` + 1 calls. > 0.
  std::uint32_t max_attempts = 0;
  /// > 0.
  duration initial{};
  /// >= `initial`.
  duration max{};
  /// >= 1.
  double multiplier = 2;
  /// Share of the delay that chance may take off, in [0, 1].
  double jitter = 0;
  /// Which errors are retried; empty = none.
  error_predicate if_error{};
  /// Whether a completion without results is retried.
  bool if_empty = false;
};

/// No retry, a fixed or an exponential delay.
class retry_strategy {
public:
  /// No retry.
  retry_strategy() = default;
  retry_strategy(fixed_delay how) : how_(std::move(how)) {}
  retry_strategy(exponential_delay how) : how_(std::move(how)) {}

  bool enabled() const noexcept { return how_.index() != 0; }

  /// The number of retries, not of calls.
  std::uint32_t max_attempts() const noexcept;

  /// The delay before retry `n` (from 1). `chance` in [0, 1) decides what jitter takes off.
  duration delay(std::uint32_t n, double chance) const;

  /// Whether delays depend on chance.
  bool has_jitter() const noexcept;

  bool retries_error(const error& why) const;
  bool retries_empty() const noexcept;

  /// Every rule that a parameter breaks; `thing` is the operator's name.
  std::vector<error> mistakes(const std::string& thing) const;

private:
  std::variant<std::monostate, fixed_delay, exponential_delay> how_;
};

} // namespace weir
