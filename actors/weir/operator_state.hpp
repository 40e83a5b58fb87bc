// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The state of one operator instance at a barrier: what a new instance needs to go on where this one
/// was. Immutable once made; any thread may hold and share it.

#include "weir/manifest.hpp"
#include "weir/state_blocks.hpp"

#include <cstdint>
#include <optional>

namespace weir {

struct operator_state {
  /// What it had taken in and not emitted, what had arrived in front of the barrier, and what its channels
  /// had said (`stored_entry_reader`).
  state_blocks bytes;
  /// With what it had counted.
  instance_summary summary{};
  /// Its records and its results, as they were stored.
  stored_type_name in{};
  stored_type_name out{};
  /// The job's sources had been ended early and are read on: whatever of its input has ended goes on.
  bool input_goes_on = false;
  /// Of which it is; for errors.
  std::optional<std::uint64_t> checkpoint{};
};

} // namespace weir
