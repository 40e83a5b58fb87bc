// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether and when a job that has failed starts again inside the process. A strategy is a plain value,
/// checked when the job is built; a decision counts one job's failures by it. Deterministic: time comes
/// from outside. Not thread-safe. tests/actors/restart_strategy_test.cpp.

#include "weir/broken_rule.hpp"
#include "weir/error.hpp"
#include "weir/time.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir {

/// Waits the same time before each restart.
struct fixed_delay_restart {
  /// So many in all, whatever lies between them. > 0.
  std::uint32_t max_restarts = 10;
  /// >= 0.
  duration delay = std::chrono::seconds{1};
};

/// Waits min(initial x multiplier^(n-1), max) before restart n. A completed checkpoint shows that the job
/// gets on: from there on n counts from 1 again.
struct exponential_delay_restart {
  /// > 0.
  duration initial = std::chrono::seconds{1};
  /// >= `initial`.
  duration max = std::chrono::minutes{1};
  /// >= 1.
  double multiplier = 2;
  /// So many without a completed checkpoint between them; a job without checkpoints: in all. > 0.
  std::uint32_t max_restarts = 10;
};

/// Restarts as long as failures are rare.
struct failure_rate_restart {
  static constexpr std::uint32_t failures_max = 1000;

  /// So many within `per` are borne, one more is final. 1 to `failures_max`.
  std::uint32_t failures = 3;
  /// > 0.
  duration per = std::chrono::minutes{5};
  /// Before each restart. >= 0.
  duration delay = std::chrono::seconds{1};
};

/// No restart, or one of the above.
class restart_strategy {
public:
  using parameters = std::variant<std::monostate, fixed_delay_restart, exponential_delay_restart,
                                  failure_rate_restart>;

  /// No restart: the first failure is final.
  restart_strategy() = default;
  restart_strategy(fixed_delay_restart how) : how_(how) {}
  restart_strategy(exponential_delay_restart how) : how_(how) {}
  restart_strategy(failure_rate_restart how) : how_(how) {}

  bool enabled() const noexcept { return how_.index() != 0; }

  /// What it was made of; `std::monostate`: no restart.
  const parameters& how() const noexcept { return how_; }

  /// Every rule that a parameter breaks.
  broken_rules broken() const;

private:
  friend class restart_decision;

  parameters how_;
};

/// Whether a further start may go better: the error is none of the job itself or of what it goes on from
/// (`argument`, `incompatible`, `damaged`).
bool may_pass(const error& why) noexcept;

/// What a strategy says to the failures of one job.
class restart_decision {
public:
  /// `how` has no mistakes.
  explicit restart_decision(const restart_strategy& how) : how_(how) {}

  /// Whether there is a restart at all.
  bool enabled() const noexcept { return how_.enabled(); }

  /// The job has failed at `now`. How long to wait before it starts again; nothing: the failure is final.
  std::optional<duration> after_failure(time_point now);

  /// A checkpoint is whole.
  void checkpoint_completed() noexcept;

  /// In all.
  std::uint64_t restarts() const noexcept { return restarts_; }

  /// For a person: the number of the latest restart, and how many may be: "2 of 10". Behind a completed
  /// checkpoint an exponential delay counts from 1 again; a failure rate has no bound to name.
  std::string count_text() const;

private:
  std::optional<duration> decide(std::monostate, time_point now);
  std::optional<duration> decide(const fixed_delay_restart& how, time_point now);
  std::optional<duration> decide(const exponential_delay_restart& how, time_point now);
  std::optional<duration> decide(const failure_rate_restart& how, time_point now);

  const restart_strategy how_;
  std::uint64_t restarts_ = 0;
  /// Since the last completed checkpoint.
  std::uint32_t in_a_row_ = 0;
  /// Those that are not yet too old to count, oldest first.
  std::deque<time_point> failures_;
};

} // namespace weir
