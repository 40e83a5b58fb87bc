// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who may say what to whom: the typed interface of every actor, with a line for each message. An actor
/// depends on its neighbours' handles here, never on their implementation.

#include "weir/type_ids.hpp"

#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace weir {

/// Gives elements and gets credit for them.
using credit_receiver = caf::typed_actor<
  // The receiver at this lane has room for so much more. The batch is an empty one to use again, or null.
  caf::reacts_to<lane_id, credit, batch_handle>>;

/// Gets elements and gives credit for them.
using batch_receiver = caf::typed_actor<
  // The sender introduces itself; from now on its batches come in on this channel.
  caf::reacts_to<attach_atom, channel_id, lane_id, credit_receiver>,
  // Elements, covered by credit given before.
  caf::reacts_to<channel_id, batch_handle>>;

/// What every stage instance hears from its job.
using stage_actor = caf::typed_actor<
  // Open the user's part; answer `opened`, or the failure.
  caf::reacts_to<caf::open_atom>,
  // All have opened: attach to the receivers and begin.
  caf::reacts_to<run_atom>,
  // Stop now and end.
  caf::reacts_to<stop_request>>;

using source_actor = stage_actor::extend_with<credit_receiver>::extend<
  // To itself: the mailbox was emptied; send what is ready and read on.
  caf::reacts_to<caf::flush_atom>,
  // The descriptor that the source waits for is ready.
  caf::reacts_to<fd_ready_atom>,
  // To itself: a watermark or a status is due.
  caf::reacts_to<wake_up>,
  // Read no more; end the stream.
  caf::reacts_to<drain_atom>,
  // A checkpoint begins: the coordinator hears where this instance stands, or why it cannot say so.
  caf::reacts_to<checkpoint_request>>;

using operator_actor = stage_actor::extend_with<credit_receiver>::extend_with<batch_receiver>::extend<
  // To itself: the mailbox was emptied; send what is ready.
  caf::reacts_to<caf::flush_atom>,
  // Completions lie in the inbox; at most one such message is under way.
  caf::reacts_to<completions_atom>,
  // Records lie in its lane of a service's feed; at most one such message is under way, and one for each barrier.
  caf::reacts_to<pushed_atom>,
  // To a service's first instance: a checkpoint begins; let its barrier into all lanes of the feed.
  caf::reacts_to<checkpoint_request>,
  // To a service's first instance: a checkpoint is complete; tell those who wait for that.
  caf::reacts_to<commit_request>,
  // To itself: the earliest timeout or back-off is due. One for the operator, never one a record.
  caf::reacts_to<wake_up>,
  // Answers of a client pool to the questions of this instance, and credit for more.
  caf::reacts_to<pool_results>>;

using sink_actor = stage_actor::extend_with<batch_receiver>::extend<
  // To itself: the mailbox was emptied; write what lies in buffers.
  caf::reacts_to<caf::flush_atom>,
  // The descriptor that the sink waits for is ready.
  caf::reacts_to<fd_ready_atom>,
  // Take no more and make durable what was written; answer `finished`.
  caf::reacts_to<prepare_atom>,
  // Before `run`, to the first instance of a stage: recover; answer `recovered`.
  caf::reacts_to<recover_request>,
  // A checkpoint is complete, or all sinks are prepared for the job's end: make the output visible;
  // answer `instance_committed`, or without checkpoints `committed`.
  caf::reacts_to<commit_request>>;

/// What asks a client pool.
using pool_user = caf::typed_actor<
  // Answers and credit.
  caf::reacts_to<pool_results>>;

using pool_actor = caf::typed_actor<
  // An operator instance introduces itself as client number so; it gets credit at once.
  caf::reacts_to<caf::join_atom, std::uint32_t, pool_user>,
  // Questions, covered by credit given before.
  caf::reacts_to<pool_questions>,
  // Nobody waits for the answers to these questions any more.
  caf::reacts_to<pool_cancellations>,
  // Results lie in the inbox; at most one such message is under way.
  caf::reacts_to<results_atom>,
  // Stop taking questions and end.
  caf::reacts_to<stop_request>>;

/// Makes the checkpoints of one job: gathers what its instances hold, lets it be stored, and then lets
/// sinks commit.
using coordinator_actor = caf::typed_actor<
  // An instance has saved its state.
  caf::reacts_to<instance_saved>,
  // An instance cannot save its state.
  caf::reacts_to<instance_unsaved>,
  // A sink has committed.
  caf::reacts_to<instance_committed>,
  // The job wants something of it.
  caf::reacts_to<checkpoint_order>,
  // From the store's thread: a checkpoint is durable, or is none.
  caf::reacts_to<checkpoint_stored>,
  // To itself: a checkpoint is due, or has taken too long.
  caf::reacts_to<wake_up>,
  // Stop now and end; what the store has not begun with is dropped.
  caf::reacts_to<stop_request>>;

/// Supervises the instances of one job.
using job_actor = caf::typed_actor<
  // An instance reports.
  caf::reacts_to<instance_id, stage_event>,
  // An instance cannot go on.
  caf::reacts_to<instance_id, stage_failure>,
  // A pool cannot go on.
  caf::reacts_to<stage_failure>,
  // The coordinator reports.
  caf::reacts_to<checkpoint_event>,
  // Begin: open all instances, then run.
  caf::reacts_to<run_atom>,
  // Stop reading and let come out what was read, within the deadline.
  caf::reacts_to<drain_request>,
  // Make a last checkpoint and end.
  caf::reacts_to<stop_job_atom>,
  // To itself: the drain's deadline has passed.
  caf::reacts_to<wake_up>,
  // Cancel.
  caf::reacts_to<stop_request>>;

} // namespace weir
