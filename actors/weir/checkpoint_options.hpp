// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether and how a job makes checkpoints, so that a start goes on where the last one was, whatever ended
/// it: a plain value, checked when the job is built.

#include "weir/checkpoint_schedule.hpp"
#include "weir/error.hpp"
#include "weir/held_record.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir {

class checkpoint_store;

struct checkpoint_options {
  /// The folder of a `directory_store`: made where it is missing, in a parent that is there. Several jobs may
  /// share one. This, or `store`, is required.
  std::string directory{};
  /// Makes the store in the place of a folder; called once at each start. Where two stores have one place, one
  /// of them at a time can have a job.
  std::function<std::shared_ptr<checkpoint_store>()> store{};

  // -- as in `checkpoint_timing`, which has the rules --

  duration interval = checkpoint_timing{}.interval;
  duration min_pause = checkpoint_timing{}.min_pause;
  duration timeout = checkpoint_timing{}.timeout;
  std::size_t concurrent = checkpoint_timing{}.concurrent;
  std::optional<std::uint32_t> tolerated_failures{};

  /// So many of the newest checkpoints are kept. >= 1.
  std::size_t keep = 2;
  /// How operators go on from one.
  restore_mode on_restore = restore_mode::resume;
  /// Where the newest checkpoint is damaged, the one before it is gone on from, and the damaged one is put
  /// aside. What the output has of it already may then come again, so a job whose sinks see such output does
  /// not start (`run_options::discard_newer_output`). False: the job does not start.
  bool fall_back = false;

  checkpoint_timing timing() const {
    return {interval, min_pause, timeout, concurrent, tolerated_failures};
  }

  /// Every rule that is broken; `thing` names whose options these are.
  std::vector<error> mistakes(const std::string& thing) const;
};

} // namespace weir
