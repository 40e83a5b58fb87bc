// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What every stage instance is made with, whatever it does: who it is, to whom it reports, where its
/// outputs lead. Values; handed to the actor when it is spawned.

#include "guarded.hpp"
#include "output_port.hpp"
#include "stage_pointer.hpp"

#include "weir/fd_watcher.hpp"
#include "weir/interfaces.hpp"
#include "weir/log.hpp"
#include "weir/source.hpp"

#include <caf/actor_cast.hpp>
#include <caf/send.hpp>
#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace weir {

struct instance_parts {
  instance_id id;
  instance_context context;
  job_actor job;
  batch_limits batches;
  /// Senders that feed this instance.
  std::size_t channels = 0;
  std::vector<edge_parts> results;
  /// None: the job does not use the dead-letter output.
  std::vector<edge_parts> dead_letters;
  /// How it waits for a descriptor without holding its thread.
  fd_waiter wait_for_fd;
  /// May be null.
  log_function log;
};

/// Lets an exception that escapes a handler of `self` fail the job, by the name of its stage. The actor
/// ends. CAF itself would print it and end the actor without a word to the job.
template <class Self>
void report_exceptions(const Self& self, const instance_parts& of) {
  self->set_exception_handler(
    [job = of.job, id = of.id, stage = of.context.stage](std::exception_ptr& thrown) -> caf::error {
      caf::anon_send(job, id, stage_failure{error_of(stage, thrown), {}});
      return caf::exit_reason::unhandled_exception;
    });
}

/// The failure of a step on one of the edges of `stage`.
inline stage_failure failure_of(const std::string& stage, const step_failure& of) {
  auto who = std::string{of.step};
  if (!of.which.empty())
    who += " (" + of.which + ")";
  return {error_of(stage, of.thrown, who), of.record};
}

/// Introduces `self` to the receivers of one of its outputs.
template <class Self>
void attach_to(const Self& self, const std::vector<lane_target>& targets, std::uint32_t output) {
  for (std::uint32_t lane = 0; lane < targets.size(); ++lane)
    self->send(targets[lane].to, attach_atom::value, targets[lane].channel, lane_id{output, lane},
               credit_receiver{self});
}

} // namespace weir
