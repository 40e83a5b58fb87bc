// SPDX-License-Identifier: Apache-2.0
#pragma once

/// When a job's checkpoints begin, which of them take too long, and when too many have failed: numbers and
/// times alone. Deterministic: time comes from outside. Owned by the job's coordinator and used on its
/// thread; tests/actors/checkpoint_schedule_test.cpp shows its edges.

#include "weir/broken_rule.hpp"
#include "weir/time.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// How often checkpoints are made. A plain value; checked when the job is built.
struct checkpoint_timing {
  /// From the begin of one to the begin of the next; the first begins so long after the job. > 0.
  duration interval = std::chrono::seconds{10};

  /// At least so long from the end of one, whole or failed, to the begin of the next. >= 0. More leaves
  /// a slow store, and the output that is hidden until a checkpoint is whole, more time to themselves.
  duration min_pause{};

  /// What all instances must have answered within; a checkpoint that takes longer has failed. > 0. The
  /// time that the store takes does not count.
  duration timeout = std::chrono::minutes{10};

  /// Most checkpoints under way, those that the store is writing among them. 1 to 100. Each holds the
  /// state of the whole job in memory.
  std::size_t concurrent = 1;

  /// So many failed checkpoints in a row are borne, one more fails the job. Absent: any number.
  std::optional<std::uint32_t> tolerated_failures{};

  /// Every rule that a parameter breaks.
  broken_rules broken() const;
};

class checkpoint_schedule {
public:
  /// The longest that failures in a row put the next checkpoint off: the first by the interval, each
  /// further one by twice as long.
  static constexpr duration back_off_max = std::chrono::minutes{1};

  /// How often a last checkpoint is tried where any number of failures is borne; else one more time than
  /// failures are.
  static constexpr std::uint32_t last_tries_default = 3;

  /// `how` has no mistakes. `newest`: the number that is gone on from; the next gets the one behind it.
  checkpoint_schedule(const checkpoint_timing& how, std::uint64_t newest, time_point begin);

  // -- when --

  /// When `start` gives a number; `time_point::max()`: not before something ends.
  time_point next_due() const;

  /// When the first of those that are under way has taken too long; `time_point::max()`: none will.
  time_point next_timeout() const;

  /// Those that have taken too long, for the caller to give up and to report as `failed`.
  std::vector<std::uint64_t> timed_out(time_point now) const;

  // -- what happens --

  /// Begins one if it is due. Its number, which no other has.
  std::optional<std::uint64_t> start(time_point now);

  /// Begins the job's last checkpoint, whatever is under way. From now on there are no others; where it
  /// fails it is due again, after a pause. Further on: begins another try at once, where none is under way.
  std::uint64_t start_last(time_point now);

  /// All instances have answered, and the store has it: it may take any time from now on.
  void handed_over(std::uint64_t id);

  /// It is whole, or will never be. A number that is not under way changes nothing.
  void completed(std::uint64_t id, time_point now);
  void failed(std::uint64_t id, time_point now);

  // -- what came of it --

  /// Whether the job must fail: more in a row than are borne. Once there is to be a last one: whether all
  /// tries of it have failed.
  bool has_failed_too_often() const noexcept;

  /// Since the last one that is whole.
  std::uint32_t failures_in_a_row() const noexcept { return failures_; }

  /// Those that have begun and have not ended.
  std::size_t under_way() const noexcept { return under_way_.size(); }

private:
  struct round {
    std::uint64_t id = 0;
    time_point times_out;
    bool handed_over = false;
  };

  std::uint64_t begin(time_point now);
  /// Whether it was under way.
  bool end(std::uint64_t id);
  /// How many failed tries of the last one there may be.
  std::uint32_t borne_of_last() const noexcept;
  /// What the latest of so many failures puts the next off by.
  duration back_off(std::uint32_t failures) const noexcept;

  const checkpoint_timing how_;
  std::uint64_t newest_;
  time_point due_;
  /// Because of what has ended.
  time_point put_off_until_ = time_point::min();
  /// Oldest first.
  std::vector<round> under_way_;
  std::uint32_t failures_ = 0;
  /// The latest try of the job's last one, once there is to be one.
  std::optional<std::uint64_t> last_;
  std::uint32_t last_failures_ = 0;
  /// When it is tried again.
  time_point last_due_ = time_point::max();
};

} // namespace weir
