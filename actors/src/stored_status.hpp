// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a job had counted when a checkpoint was made, read back from it. Plain functions; any thread.

#include "weir/job_status.hpp"
#include "weir/manifest.hpp"

#include <cstdint>

namespace weir {

/// By stages, in their order; without what hangs on the moment: calls in flight, how far a source has read,
/// pools.
job_status status_in(const manifest& of);

/// Records that it holds.
std::uint64_t held_in(const manifest& of);

} // namespace weir
