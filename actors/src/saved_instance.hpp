// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What one instance answers at a barrier, on its way to the job's coordinator. Belongs to who receives it.

#include "weir/error.hpp"
#include "weir/manifest.hpp"
#include "weir/state_blocks.hpp"
#include "weir/unique_function.hpp"

#include <optional>

namespace weir {

struct saved_instance {
  instance_summary summary{};
  /// Absent, or without bytes: it holds nothing.
  std::optional<state_blocks> state{};
  /// Of a sink: makes what is pending durable. On the store's thread, before the manifest; may block.
  /// Null: nothing is pending.
  unique_function<expected<void>()> make_durable{};
};

} // namespace weir
