// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Decides whether and when a record is asked for again. A strategy is a plain value; its delay is a
/// function of the attempt alone (and of a random number that the caller draws), so that all records
/// may share one. Predicates are called on the operator's thread.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

/// Whether an error is worth another attempt.
using error_predicate = std::function<bool(const error&)>;

/// Holds for every error.
error_predicate any_error();

/// Holds for errors of one of these kinds: those of `error_kind`, and whatever names your function or a
/// driver gives. A record's own timeout is no error of an attempt, so no predicate sees it.
error_predicate error_of_kind(std::initializer_list<std::string_view> kinds);
error_predicate error_of_kind(std::vector<std::string> kinds);

/// Holds for every error that is of none of these kinds.
error_predicate error_not_of_kind(std::initializer_list<std::string_view> kinds);
error_predicate error_not_of_kind(std::vector<std::string> kinds);

/// Whether a completion without an error is worth another attempt. Looks at results of one type, which
/// must be that of the operator; whether it is, is found when the job is built.
class result_predicate {
public:
  /// Holds for nothing.
  result_predicate() = default;

  /// Whether it can hold for anything.
  explicit operator bool() const noexcept { return kind_ != kind::never; }

  /// Whether it looks at results of this type, or at none.
  bool takes(std::type_index results) const noexcept {
    return kind_ != kind::typed || of_ == results;
  }

  /// Asks it. `Out` is a type that it takes.
  template <class Out>
  bool holds(std::span<const Out> results) const {
    if (kind_ == kind::typed)
      return typed_(results.data(), results.size());
    return kind_ == kind::empty && results.empty();
  }

private:
  friend result_predicate empty_result();
  template <class Out, class F>
  friend result_predicate result_where(F f);

  enum class kind : std::uint8_t { never, empty, typed };

  kind kind_ = kind::never;
  std::type_index of_ = typeid(void);
  std::function<bool(const void*, std::size_t)> typed_;
};

/// Holds for a completion without results.
result_predicate empty_result();

/// Holds where `f` does: `(std::span<const Out>) -> bool`.
template <class Out, class F>
result_predicate result_where(F f) {
  result_predicate made;
  made.kind_ = result_predicate::kind::typed;
  made.of_ = typeid(Out);
  made.typed_ = [f = std::move(f)](const void* first, std::size_t count) -> bool {
    return f(std::span<const Out>{static_cast<const Out*>(first), count});
  };
  return made;
}

/// Waits the same time before each retry.
struct fixed_delay {
  /// Number of retries; there are up to `max_attempts` + 1 calls. 1 to 100,000,000.
  std::uint32_t max_attempts = 0;
  /// > 0.
  duration delay{};
  /// Which errors are retried; empty = none.
  error_predicate if_error{};
  /// Which completions without an error are retried; by default none.
  result_predicate if_result{};
};

/// Waits min(initial x multiplier^(n-1), max) before retry n, rounded down to whole nanoseconds, less
/// a random part of it.
struct exponential_delay {
  /// Number of retries; there are up to `max_attempts` + 1 calls. 1 to 100,000,000.
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
  /// Which completions without an error are retried; by default none.
  result_predicate if_result{};
};

/// A strategy of your own.
struct custom_delay {
  /// Number of retries; there are up to `max_attempts` + 1 calls. 1 to 100,000,000.
  std::uint32_t max_attempts = 0;
  /// The wait before retry `n` (from 1): a function, or an object of a class with a call operator.
  /// Shared by all instances of the operator, so it must not change anything without a lock. What is
  /// less than 0 counts as 0; what it throws makes the record fail for good.
  std::function<duration(std::uint32_t n)> delay{};
  /// Which errors are retried; empty = none.
  error_predicate if_error{};
  /// Which completions without an error are retried; by default none.
  result_predicate if_result{};
};

/// No retry, or one of the above.
class retry_strategy {
public:
  /// No retry.
  retry_strategy() = default;
  retry_strategy(fixed_delay how) : how_(std::move(how)) {}
  retry_strategy(exponential_delay how) : how_(std::move(how)) {}
  retry_strategy(custom_delay how) : how_(std::move(how)) {}

  bool enabled() const noexcept { return how_.index() != 0; }

  /// The number of retries, not of calls.
  std::uint32_t max_attempts() const noexcept;

  /// The delay before retry `n` (from 1), >= 0. `chance` in [0, 1) decides what jitter takes off.
  duration delay(std::uint32_t n, double chance) const;

  /// Whether delays depend on chance.
  bool has_jitter() const noexcept;

  bool retries_error(const error& why) const;

  /// Which completions without an error are retried.
  const result_predicate& if_result() const noexcept;

  /// Every rule that a parameter breaks; `thing` is the operator's name.
  std::vector<error> mistakes(const std::string& thing) const;

private:
  std::variant<std::monostate, fixed_delay, exponential_delay, custom_delay> how_;
};

} // namespace weir
