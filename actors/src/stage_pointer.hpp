// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The actors that run user code are of a class of their own, which marks the thread that runs them (see
/// stage_thread.hpp). It is done once for all messages that CAF lets an actor handle in a row, and by the
/// actor, so that it holds in whichever system the actor lives.

#include "weir/stage_thread.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <cstddef>

namespace weir {

template <class Interface>
class marking_actor : public Interface::base {
public:
  explicit marking_actor(caf::actor_config& with) : Interface::base(with) {}

  caf::resumable::resume_result resume(caf::execution_unit* by, std::size_t messages_max) override {
    const stage_scope here;
    return Interface::base::resume(by, messages_max);
  }
};

/// What the state of an actor with this interface knows itself by.
template <class Interface, class State>
using stage_pointer = caf::stateful_actor<State, marking_actor<Interface>>*;

} // namespace weir
