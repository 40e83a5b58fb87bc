// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a sink is to the stage that runs it: a plain object that takes batches and never blocks. The
/// stage calls it from one thread at a time (not always the same), owns it and destroys it.
///
/// Output becomes visible in two phases, by the numbers of checkpoints: `prepare(n)` ends what was taken
/// as the output of checkpoint n, its `pending_output` makes it durable, and when the checkpoint is
/// complete `commit(n)` makes it visible. A job without checkpoints does this once, at its end, with
/// the number 1. What of it a crash leaves undone is done by `recover` of the next start.

#include "weir/batch.hpp"
#include "weir/error.hpp"
#include "weir/source.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// What a sink has ready for a checkpoint.
struct pending_output {
  /// What `recover` needs to know of all that was prepared and may not be visible yet, in the sink's own
  /// words; at most 1 MiB. It is part of the checkpoint.
  std::string state{};
  /// Puts on the disk what `state` speaks of. Called once, on another thread (tasks of one sink one after
  /// the other, in the order of their numbers), or never, and then the next one does its work too. May
  /// block, and outlive the sink. Null: there is nothing to do. After an error the output is
  /// not to be trusted: the job goes on from the checkpoint before.
  unique_function<expected<void>()> make_durable{};
};

/// What becomes of output that is visible already and newer than the checkpoint that is gone on from.
enum class newer_output : std::uint8_t {
  /// It is an error of the kind `incompatible`.
  refuse,
  /// It is put where no reader takes it for output.
  move_aside,
  remove,
};

/// Where a job goes on.
struct sink_recovery {
  /// 0: nothing was committed in this run.
  std::uint64_t checkpoint = 0;
  /// `pending_output::state` of all instances at that checkpoint, in their order; none at 0. There may be
  /// more or fewer of them than there are instances now.
  std::vector<std::string> states{};
  newer_output newer = newer_output::refuse;
};

/// Takes records of type `T`.
template <class T>
class sink {
public:
  using value_type = T;

  virtual ~sink() = default;

  /// Called once, before anything else. An error ends the job before a record is read.
  virtual expected<void> open(const instance_context&) { return {}; }

  /// Called before any instance of the stage takes a record, after every `open`, on instance 0 alone.
  /// Shows what was pending at the checkpoint, removes output of this run that is not visible and not part
  /// of it, and deals with visible output that is newer and with what `hidden_of_others` names. It may have been interrupted before by a
  /// crash, so it does what is left to do. Gives lines that a person should read. An error ends the
  /// job before a record is read.
  virtual expected<std::vector<std::string>> recover(const sink_recovery&) {
    return std::vector<std::string>{};
  }

  /// Takes the records of `in` from `next` up to (not including) `end` and moves `next` behind what
  /// was taken. `done`: all of them; `wait`: the rest when the descriptor is ready. An error fails the
  /// job.
  virtual expected<poll_result> write(batch<T>& in, std::size_t& next, std::size_t end) = 0;

  /// Nothing more is here for now: what lies in own buffers goes out.
  virtual expected<poll_result> flush() { return poll_result{poll_state::done, {}}; }

  /// First phase: ends what was taken since the last call as the output of `checkpoint`; numbers
  /// grow. Nothing of it becomes visible. `last`: no record follows. Called again after `wait` and `more`.
  /// An error fails the job.
  virtual expected<poll_result> prepare(std::uint64_t checkpoint, bool last) {
    static_cast<void>(checkpoint);
    static_cast<void>(last);
    return poll_result{poll_state::done, {}};
  }

  /// Called once after each `prepare` that was done.
  virtual pending_output pending() { return {}; }

  /// Second phase: makes visible all that was prepared for checkpoints up to this one, which is
  /// complete; where it is visible already there is nothing to do. Called again after `wait` and
  /// `more`. An error fails the job.
  virtual expected<poll_result> commit(std::uint64_t checkpoint) {
    static_cast<void>(checkpoint);
    return poll_result{poll_state::done, {}};
  }

  /// The job failed or was cancelled: leave nothing half-written. At most once. With checkpoints
  /// (`instance_context::checkpointed`) it never touches what was prepared: `recover` of the next start
  /// decides that. Without, it takes back what was prepared, and after a successful `commit` is called
  /// only where another sink of the job could not commit, to take the output back. `keep_partial`
  /// (never with checkpoints): make the whole records visible that were written.
  virtual void abandon(bool keep_partial) { static_cast<void>(keep_partial); }

  /// Visible output that is newer than the checkpoint, as paths or the like; touches nothing. May be
  /// asked before `open`, of an instance that is made for this question alone.
  virtual expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const {
    static_cast<void>(checkpoint);
    return std::vector<std::string>{};
  }

  /// Output of other runs with checkpoints that is not visible yet, as paths or the like: they show it when they go
  /// on, so it is in the way of this one at that checkpoint. Touches nothing; may be asked as `newer_than` may.
  virtual expected<std::vector<std::string>> hidden_of_others(const run_id& run,
                                                              std::uint64_t checkpoint) const {
    static_cast<void>(run);
    static_cast<void>(checkpoint);
    return std::vector<std::string>{};
  }

  /// Whether the place still holds the output of the run, which goes on behind its begin and has written there.
  /// Touches nothing; may be asked as `newer_than` may. Errors: `incompatible` where another run has begun there since,
  /// or where it cannot be told.
  virtual expected<void> check_owner(const run_id& run) const {
    static_cast<void>(run);
    return {};
  }

  /// Where the output goes: the file, the folder, the table. Two stages of a job with one place would
  /// take each other's output for their own, and a checkpoint is gone on from only with the same place.
  /// Empty: nowhere that has a name; other stages are not compared with it. May be asked before `open`.
  virtual std::string place() const { return {}; }
};

} // namespace weir
