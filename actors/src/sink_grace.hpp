// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "weir/time.hpp"

#include <chrono>

namespace weir {

/// How long a job that is about to end waits for its sinks, which may wait for their readers.
inline constexpr duration sink_grace = std::chrono::seconds{1};

} // namespace weir
