// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a job's checkpoints lie. A run of the job, from a fresh start to its finish, has a number,
/// and a checkpoint one inside its run. A store keeps whole checkpoints and nothing else: one that
/// could not be written is not there. Its calls block, and a job does not end before the one that is under way
/// has returned, so none may hang; one thread at a time. directory_store.hpp
/// keeps them in a folder; an own store, as one in a database, is an object of this kind.

#include "weir/error.hpp"
#include "weir/manifest.hpp"
#include "weir/state_blocks.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// What one instance holds, as it wrote it.
struct instance_state {
  /// Place in `manifest::stages`.
  std::uint32_t stage = 0;
  std::uint32_t instance = 0;
  state_blocks bytes;
};

/// A checkpoint in memory, as it is written and as it is read.
struct checkpoint {
  /// `files` is the store's own matter; what it held before is replaced.
  manifest about;
  /// In ascending order of stages and instances; those that hold nothing may be left out.
  std::vector<instance_state> states;
};

/// A run and its checkpoints.
struct run_in_store {
  std::uint64_t number = 0;
  /// Ascending.
  std::vector<std::uint64_t> checkpoints{};
};

class checkpoint_store {
public:
  virtual ~checkpoint_store() = default;

  /// Before all else: makes the place of this job's checkpoints, takes it for this process as long
  /// as the store lives, and removes what was begun and not finished by one that died. Errors have
  /// the kind `io`; where another process has the place they name it.
  virtual expected<void> claim(const std::string& job) = 0;

  /// Gives the place up, as the store's end does: another may claim it. Nothing more is asked of it.
  virtual void release() noexcept = 0;

  /// All runs that have checkpoints, in ascending order; only what is there, nothing is read of it.
  /// So a checkpoint that is damaged is one of them: to take an older one instead is for the job's
  /// owner to say.
  virtual expected<std::vector<run_in_store>> runs() = 0;

  /// Writes the checkpoint `what.about.checkpoint` of the run `what.about.run_number`, and gives
  /// its bytes. It is durable when this returns, and `load` can read it. After an error there is
  /// nothing of it, or all of it (where the very last step failed): it is sound to go on from
  /// either. What it could not take away again is for `remove_unfinished`. A number is written once.
  virtual expected<std::uint64_t> write(checkpoint& what) = 0;

  /// What a checkpoint is. Errors: `io`, `damaged`, `incompatible`.
  virtual expected<manifest> about(std::uint64_t run, std::uint64_t id) = 0;

  /// All of a checkpoint, every byte of it checked. It is durable when this returns, also where who
  /// has written it could not know that. Errors: as `about`; a damage is named with file, block and
  /// byte.
  virtual expected<checkpoint> load(std::uint64_t run, std::uint64_t id) = 0;

  /// Removes a checkpoint, at once and for good when this returns; one that is not there is no
  /// error.
  virtual expected<void> remove(std::uint64_t run, std::uint64_t id) = 0;

  /// Removes a run with all that it has; as `remove`.
  virtual expected<void> remove_run(std::uint64_t run) = 0;

  /// Removes what writes and removals that failed have left, which are none of the checkpoints of
  /// `runs`; a job asks for it behind each checkpoint. Nothing to do for a store that leaves nothing.
  virtual expected<void> remove_unfinished() { return {}; }

  /// Puts a checkpoint that is damaged out of the way, so that it is none any more; its bytes stay
  /// for whoever wants to look at them.
  virtual expected<void> set_aside(std::uint64_t run, std::uint64_t id) = 0;
};

} // namespace weir
