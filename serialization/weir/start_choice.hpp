// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a start of a job goes on from, looked for in its store. A job that was finished is nothing to go on
/// from; else the newest checkpoint is, and only that one: to take an older one, where output that is newer is
/// visible already, is for the job's owner to say. Nothing is changed in the store.
/// tests/serialization/start_choice_test.cpp.

#include "weir/checkpoint_store.hpp"
#include "weir/compare_jobs.hpp"
#include "weir/start_kind.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

struct start_wishes {
  /// A run of its own, whatever there is.
  bool fresh = false;
  /// A further launch of this run, which may not have a checkpoint yet. Absent: the newest run.
  std::optional<std::uint64_t> run{};
  /// Of that run. Absent: the newest.
  std::optional<std::uint64_t> checkpoint{};
  /// Where the newest is damaged, the one before it.
  bool fall_back = false;
  /// See `compare_jobs`.
  std::vector<std::string> drop_state{};
};

struct start_choice {
  start_kind kind = start_kind::fresh;
  /// Of the run; with `fresh` the one that it gets.
  std::uint64_t run_number = 1;
  /// With `restored` and `finished`. Every byte has been checked.
  std::shared_ptr<checkpoint> from{};
  /// Checkpoints of the run that are newer than `from`, ascending; but for those that are damaged.
  std::vector<std::uint64_t> newer{};
  /// Those that were passed over because of what is wrong with them, newest first.
  std::vector<std::pair<std::uint64_t, error>> damaged{};
  /// With `restored`: how the job has changed since. With `refusals` it must not start.
  job_changes changes{};
};

/// `store` is claimed. Blocks. Errors are those of the store; where the newest checkpoint cannot be read
/// they say what may be done. `argument`: there is no such checkpoint.
expected<start_choice> choose_start(checkpoint_store& store, const job_description& job,
                                    const start_wishes& how);

} // namespace weir
