// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How a start of a job with checkpoints begins.

#include <cstdint>

namespace weir {

enum class start_kind : std::uint8_t {
  /// A run begins, at the begin of its input.
  fresh,
  /// A run goes on.
  restored,
  /// It was finished: there is nothing to do.
  finished,
};

} // namespace weir
