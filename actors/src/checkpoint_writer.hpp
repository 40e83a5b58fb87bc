// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a launch does with its job's store while it runs. Used by tasks on the store's thread alone; may
/// block there. Nothing that a sink or a store throws gets out.
/// tests/actors/coordinator_test.cpp.

#include "checkpoint_round.hpp"
#include "log_limiter.hpp"

#include "weir/checkpoint_store.hpp"
#include "weir/launch_checkpoints.hpp"
#include "weir/log.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

class checkpoint_writer {
public:
  struct outcome {
    /// Of the checkpoint, where it is whole and durable; else why it is not.
    expected<std::uint64_t> bytes;
    /// Output could not be made durable: this launch must not go on, and no more of it is written.
    bool output_lost = false;
  };

  checkpoint_writer(std::shared_ptr<checkpoint_store> store, std::size_t keep, log_function log);

  /// Lets the sinks make their output durable, and then writes the checkpoint.
  outcome write(collected_checkpoint& what);

  /// Puts checkpoints of the run out of the way of one that is older: see `launch_checkpoints`.
  expected<void> put_away(std::uint64_t run,
                          const std::vector<launch_checkpoints::newer_checkpoint>& newer);

  /// Removes all of the run but the newest checkpoints, all runs before it, and what earlier writes
  /// and removals that failed have left: behind one that is whole. What cannot be removed is said, and
  /// is in nobody's way.
  void prune(std::uint64_t run, time_point now);

private:
  expected<void> remove_old(std::uint64_t run);

  const std::shared_ptr<checkpoint_store> store_;
  const std::size_t keep_;
  const log_function log_;
  log_limiter prune_reports_;
  /// Once output was lost: what else this launch has pending may stand behind it.
  bool output_lost_ = false;
};

} // namespace weir
