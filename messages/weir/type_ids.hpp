// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The messages between weir's actors and their CAF type ids. All of them stay inside the process:
/// they carry pointers, are never serialised by CAF, and what they point to belongs to the receiver once
/// sent. Programs with message types of their own begin their block at `caf::id_block::weir::end`.

#include "weir/batch.hpp"
#include "weir/error.hpp"
#include "weir/question.hpp"
#include "weir/source.hpp"
#include "weir/time.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/type_id.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// Which of a receiver's inputs a batch comes in on.
struct channel_id {
  std::uint32_t number = 0;
};

/// Which of a sender's outputs, and which receiver of it, a credit is for.
struct lane_id {
  std::uint32_t output = 0;
  std::uint32_t lane = 0;
};

/// How much more may be sent.
struct credit {
  std::int64_t records = 0;
  std::int64_t bytes = 0;
};

/// A batch on its way. CAF must be able to copy it; still it has one owner, the receiver.
struct batch_handle {
  std::shared_ptr<batch_base> batch;
};

/// A stage's message to itself: something is due. One is armed for the earliest time; a stale one
/// finds nothing due.
struct wake_up {
  time_point due;
};

/// Questions of one operator instance for a pool. The lower half of a token is the place in a table of the
/// client's (a small number, used again when its question is answered), by which a cancellation finds it.
struct pool_questions {
  std::uint32_t client = 0;
  std::shared_ptr<std::vector<question>> questions;
  /// Memory for results to use again, or null.
  std::shared_ptr<std::vector<call_result>> spare{};
};

/// Questions whose answers nobody waits for any more.
struct pool_cancellations {
  std::uint32_t client = 0;
  std::vector<call_token> tokens;
};

/// What pool number `pool` gives back: results, each of which also gives its credit back, and new credit.
struct pool_results {
  std::uint32_t pool = 0;
  std::shared_ptr<std::vector<call_result>> results;
  std::size_t granted = 0;
  /// Memory for questions to use again, or null.
  std::shared_ptr<std::vector<question>> spare{};
};

/// Of a source or a service: say where you stand, and let the barrier of this checkpoint leave.
struct checkpoint_request {
  /// 0: the one before anything runs; a source lets no barrier leave for it.
  std::uint64_t checkpoint = 0;
  /// Read no more; what is done behind its barrier would be done again.
  bool last = false;
};

/// What a stage tells the job.
enum class stage_event : std::uint8_t {
  /// It has opened and waits to run.
  opened,
  /// Its last element has left (a source, an operator), or its output is prepared (a sink).
  finished,
  /// A source has ended its stream since it was told to drain; there was more to read.
  cut_short,
  /// A sink's output is visible.
  committed,
  /// A sink has dealt with the output of earlier runs and launches.
  recovered,
};

/// Which stage instance speaks: its place among all instances of the job.
struct instance_id {
  std::uint32_t number = 0;
};

/// Why a stage cannot go on.
struct stage_failure {
  error why;
  /// Names the record at which it failed; empty where it was none.
  std::string record;
};

/// What an instance holds at a barrier; that is for the actors alone.
struct saved_instance;

/// An instance has written down what it holds at the barrier of a checkpoint.
struct instance_saved {
  std::uint64_t checkpoint = 0;
  instance_id who{};
  std::shared_ptr<saved_instance> what{};
};

/// It could not: there is nothing of this checkpoint. The stream goes on.
struct instance_unsaved {
  std::uint64_t checkpoint = 0;
  instance_id who{};
  error why{};
};

/// How long a drain may take.
struct drain_request {
  duration deadline{};
};

/// Stop now; `keep_partial` is for sinks.
struct stop_request {
  bool keep_partial = false;
  /// Also output that has been committed goes: another sink of the job could not commit its own.
  bool take_back = false;
};

struct sink_recovery;

/// Deal with the output of earlier runs and launches, before any is made.
struct recover_request {
  std::shared_ptr<const sink_recovery> from{};
};

/// Make visible what was prepared for checkpoints up to this one, which is complete.
struct commit_request {
  std::uint64_t checkpoint = 0;
};

/// A sink's output is visible up to this checkpoint.
struct instance_committed {
  std::uint64_t checkpoint = 0;
  instance_id who{};
};

/// What the store's thread has done with a checkpoint.
struct checkpoint_stored {
  std::uint64_t checkpoint = 0;
  /// Why it is not one; null: it is whole and durable.
  std::shared_ptr<const error> why{};
  /// Output that was pending could not be made durable. Nobody knows what is on the disk of it.
  bool output_lost = false;
  std::uint64_t bytes = 0;
};

/// What a job wants of its coordinator.
enum class checkpoint_order : std::uint8_t {
  /// All instances have opened: a run that begins gets its checkpoint 0. Answer `begun`.
  begin,
  /// They run: make checkpoints as the schedule says.
  run,
  /// Sources are about to be told to drain; what they end is not the end of their input.
  draining,
  /// A last checkpoint, and no other. All input has been read, and all output has come to the sinks: it is
  /// followed by the one that says so. Answer `visible` and then `last_done`, or `last_failed`.
  finish,
  /// A last one of what is left where sources were ended early. Behind `finish`: wait no longer for who
  /// holds that up.
  drain,
  /// A last one of what there is; sources read no more. Behind `finish`: as `drain`.
  stop,
};

/// What a coordinator tells its job.
enum class checkpoint_news : std::uint8_t {
  /// Checkpoint 0 is durable, or there was no need of it.
  begun,
  /// All output is visible; what follows is the checkpoint that says that the run is finished.
  visible,
  /// The last checkpoint is durable, and its output visible.
  last_done,
  /// There is no last checkpoint; the one before stays valid.
  last_failed,
  /// The job must not go on: output was lost, or more checkpoints have failed in a row than may.
  failed,
};

struct checkpoint_event {
  checkpoint_news what{};
  /// With `last_failed` and `failed`.
  std::shared_ptr<const error> why{};
};

} // namespace weir

CAF_BEGIN_TYPE_ID_BLOCK(weir, first_custom_type_id)

  CAF_ADD_TYPE_ID(weir, (weir::channel_id))
  CAF_ADD_TYPE_ID(weir, (weir::lane_id))
  CAF_ADD_TYPE_ID(weir, (weir::credit))
  CAF_ADD_TYPE_ID(weir, (weir::batch_handle))
  CAF_ADD_TYPE_ID(weir, (weir::wake_up))
  CAF_ADD_TYPE_ID(weir, (weir::pool_questions))
  CAF_ADD_TYPE_ID(weir, (weir::pool_cancellations))
  CAF_ADD_TYPE_ID(weir, (weir::pool_results))
  CAF_ADD_TYPE_ID(weir, (weir::checkpoint_request))
  CAF_ADD_TYPE_ID(weir, (weir::stage_event))
  CAF_ADD_TYPE_ID(weir, (weir::instance_id))
  CAF_ADD_TYPE_ID(weir, (weir::stage_failure))
  CAF_ADD_TYPE_ID(weir, (weir::instance_saved))
  CAF_ADD_TYPE_ID(weir, (weir::instance_unsaved))
  CAF_ADD_TYPE_ID(weir, (weir::drain_request))
  CAF_ADD_TYPE_ID(weir, (weir::stop_request))
  CAF_ADD_TYPE_ID(weir, (weir::recover_request))
  CAF_ADD_TYPE_ID(weir, (weir::commit_request))
  CAF_ADD_TYPE_ID(weir, (weir::instance_committed))
  CAF_ADD_TYPE_ID(weir, (weir::checkpoint_stored))
  CAF_ADD_TYPE_ID(weir, (weir::checkpoint_order))
  CAF_ADD_TYPE_ID(weir, (weir::checkpoint_event))

  CAF_ADD_ATOM(weir, weir, attach_atom, "attach")
  CAF_ADD_ATOM(weir, weir, run_atom, "run")
  CAF_ADD_ATOM(weir, weir, completions_atom, "completed")
  CAF_ADD_ATOM(weir, weir, results_atom, "results")
  CAF_ADD_ATOM(weir, weir, pushed_atom, "pushed")
  CAF_ADD_ATOM(weir, weir, fd_ready_atom, "fdready")
  CAF_ADD_ATOM(weir, weir, drain_atom, "drain")
  CAF_ADD_ATOM(weir, weir, prepare_atom, "prepare")
  CAF_ADD_ATOM(weir, weir, stop_job_atom, "stop_job")

CAF_END_TYPE_ID_BLOCK(weir)

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::channel_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::lane_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::credit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::batch_handle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::wake_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::pool_questions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::pool_cancellations)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::pool_results)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::checkpoint_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::stage_event)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::instance_id)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::stage_failure)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::instance_saved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::instance_unsaved)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::drain_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::stop_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::recover_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::commit_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::instance_committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::checkpoint_stored)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::checkpoint_order)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weir::checkpoint_event)
