// SPDX-License-Identifier: Apache-2.0
#pragma once

/// With what one launch of a job makes its checkpoints, and what it goes on from. Whoever starts the
/// launch has claimed the store, chosen the checkpoint, and compared its job with this one. A value; once
/// handed over it is the launch's.

#include "weir/checkpoint_schedule.hpp"
#include "weir/checkpoint_store.hpp"
#include "weir/held_record.hpp"
#include "weir/launch_state.hpp"
#include "weir/sink.hpp"
#include "weir/work_thread.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace weir {

struct launch_checkpoints {
  /// Claimed for the job. From the start of the launch on its calls are made by tasks of `on` alone.
  std::shared_ptr<checkpoint_store> store{};
  /// The one queue of all launches of the job; outlives them.
  work_queue* on = nullptr;
  checkpoint_timing timing{};
  /// So many of the newest checkpoints are kept. >= 1.
  std::size_t keep = 2;
  /// Of which run this is a launch: the job and how it is made up, the run's id and number, and whether it
  /// removes what an earlier run has left visible. What says of which checkpoint a manifest is, is filled in.
  manifest run{};
  /// What it goes on from; it is taken apart. Null: the run begins, with its checkpoint 0.
  std::shared_ptr<launch_state> from{};
  restore_mode how = restore_mode::resume;
  /// Checkpoints of the run that are newer than `from`, ascending. Once all stages have opened, and before a sink
  /// changes anything, they go: those that are damaged are set aside, the others removed, the newest first, so
  /// that wherever that ends the newest that is left is one of these or `from`.
  struct newer_checkpoint {
    std::uint64_t id = 0;
    bool damaged = false;
  };
  std::vector<newer_checkpoint> newer_checkpoints{};
  /// What becomes of visible output that is newer than `from`.
  newer_output newer = newer_output::refuse;
};

} // namespace weir
