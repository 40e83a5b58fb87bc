// SPDX-License-Identifier: Apache-2.0
#pragma once

/// For a program that has a CAF actor system: runs an environment's job, services and streams, as actors of
/// that system, and sends results to actors of the program. Stages and pools have no threads of their own;
/// drivers, waiting pools, and sources and sinks that wait for file descriptors have theirs.
///
///     auto airports = weir::async_service::ordered(env, lookup{}, {.name = "airports", .timeout = 1s},
///                                                  {.on_result = weir::send_to(collector)});
///     auto job = weir::start_in(system, env, "my program");
///
/// * The system need not know weir's message types: they stay inside the process and are never serialised.
///   Type ids of a program that includes `weir/type_ids.hpp` begin at `caf::id_block::weir::end`.
/// * End the job before the system. A system's destructor waits for all its actors, so for those of the
///   job too, which end when the job does: `drain`, `cancel` or `finish` it first, or from another thread.
///   A system that is told not to wait (`await_actors_before_shutdown(false)`) must not be destroyed
///   before `job::wait` has returned: stages that never run again cannot end. The `job` itself, once it
///   has ended, may be destroyed before or after the system.
/// * CAF's scheduler policy `stealing`, its default, wakes up late for what comes from other threads, as
///   pushes and completions do; `sharing` does not, nor does the policy of weir's own systems, which wakes fewer
///   threads (weir/turn_sharing.hpp).
/// * The stages share the system's workers with your actors. Whoever of you blocks holds up the other, and
///   `job::wait`, the destruction of a job, `pusher::push` without room and `ticket::wait` block: not on a
///   worker of the system. There take `try_push`, `co_await pushed` and `ticket::on_settled`.
///
/// tests/streams/caf_service_test.cpp.

#include "weir/environment.hpp"
#include "weir/service_ends.hpp"

#include <caf/actor_addr.hpp>
#include <caf/actor_cast.hpp>
#include <caf/fwd.hpp>
#include <caf/send.hpp>

#include <string>
#include <utility>

namespace weir {

/// Starts the job in this actor system, which outlives it. As `environment::start`, but
/// `environment_options::threads` means nothing.
job start_in(caf::actor_system& system, const environment& env, std::string name,
             run_options options = {});

/// For `service_settings`: sends each result (or dead letter) to the actor `to`, as a message of its own.
/// The service does not keep the actor alive, and what comes for one that has ended is dropped. A mailbox has no bound:
/// an actor that must not be flooded gets results no faster than tickets or `waiting_max` and `capacity` let
/// records in.
template <class Handle>
auto send_to(const Handle& to) {
  return [to = to.address()](auto&& result, const record_facts&) {
    if (const auto alive = caf::actor_cast<Handle>(to))
      caf::anon_send(alive, std::move(result));
  };
}

} // namespace weir
