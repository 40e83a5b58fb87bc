// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a launch of a job goes on from: a checkpoint in the order and the numbers of instances of the job
/// that is to run, whatever those were in the job that made it. A value; `rescale` makes it, and the launch
/// takes it apart.

#include "weir/gone_counts.hpp"
#include "weir/manifest.hpp"
#include "weir/state_blocks.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir {

struct launch_state {
  struct instance {
    /// With what was counted. Of a stage that has other instances now instance 0 goes on counting for all.
    instance_summary summary{};
    /// Of an operator: what it holds (`stored_entry_reader`). Absent: nothing was written of it.
    std::optional<state_blocks> held{};
  };

  struct stage {
    /// As many as the job has; or none: the stage begins anew. Where an operator's state was let go they say
    /// only what it has counted.
    std::vector<instance> instances{};
    /// Of an operator: its records and its results, as they are stored in `held`.
    std::vector<stored_type_name> records{};
    /// Of a sink: what each of its instances had pending at the checkpoint, as many as there were then.
    std::vector<std::string> pending_output{};
  };

  std::uint64_t checkpoint = 0;
  /// `drained`: what has ended of the sources' streams goes on (`stored_entry_reader`). `finished`: there is
  /// nothing to launch, and no stage.
  checkpoint_kind kind = checkpoint_kind::running;
  bool removes_old_output = false;
  std::int64_t made_at_ms = 0;
  /// In the order of the job's stages.
  std::vector<stage> stages{};
  /// For all further checkpoints of the run to say.
  gone_counts gone{};
};

} // namespace weir
