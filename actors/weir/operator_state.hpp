// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The state of one operator instance at a barrier: what a new instance needs to go on where this one
/// was. A value; what it points to is immutable, so any thread may hold and share it.

#include "weir/batch.hpp"
#include "weir/channel_merger.hpp"
#include "weir/held_entries.hpp"

#include <memory>

namespace weir {

struct operator_state {
  /// What it had taken in and not emitted.
  std::shared_ptr<const held_entries> held;
  /// What had arrived in front of the barrier and was not taken in.
  std::shared_ptr<const batch_base> waiting;
  /// What its channels had said by then.
  channel_merger channels;
};

} // namespace weir
