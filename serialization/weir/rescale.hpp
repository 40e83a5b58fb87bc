// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Deals what a checkpoint holds to the instances of the job that goes on from it, which may be others than
/// those that wrote it. A pure function on bytes: what comes out is what the job's own instances would have
/// written if they had held it. It believes nothing of a checkpoint beyond its checksums. Any thread.
/// tests/serialization/rescale_test.cpp.

#include "weir/checkpoint_store.hpp"
#include "weir/compare_jobs.hpp"
#include "weir/launch_state.hpp"
#include "weir/record_codec.hpp"

#include <memory>
#include <string>
#include <vector>

namespace weir {

/// How the records and the results of a stage are stored. Null where it is no operator.
struct stage_codecs {
  const record_codec* in = nullptr;
  const record_codec* out = nullptr;
};

/// `to`: a job that `compare_jobs` lets go on from the checkpoint, with the same `drop_state`; `codecs`: of its
/// stages, in their order.
///
/// Where all stages have the instances and the inputs that they had, all stays as it was. Else:
/// * A stage that has other instances deals its records in the order of the old instances: by key groups where
///   they come by key, else in contiguous shares; those that had been taken in and those that waited, each for
///   themselves. Splits of a source go the same way. What was counted goes to instance 0, and so does where a
///   service's feed stood, for which its old instance 0 has spoken.
/// * Event time begins at the least that a stage's instances had got, but for those that were idle or at their
///   end, in all stages: records may come on other ways now, and none is to come late by that. Watermarks that
///   are held are lowered to it, and where a stage has other instances it stands behind all that they hold.
/// * Nothing is idle, and nothing has ended but operators whose instances all had taken their end in: who is
///   idle says so again, and so does who has ended.
///
/// Errors: `damaged`, `incompatible`. Throws std::bad_alloc.
expected<launch_state> rescale(checkpoint from, const job_description& to,
                               const std::vector<stage_codecs>& codecs,
                               const std::vector<std::string>& drop_state = {},
                               const std::shared_ptr<block_pool>& pool
                               = std::make_shared<block_pool>());

} // namespace weir
