// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Bounds of the numbers in scenarios and traces. docs/scenarios.md names them.

#include <cstddef>
#include <cstdint>

namespace weir::tool::scenario_limits {

/// Milliseconds: 31 years. A run has room for a few of them in a row.
inline constexpr std::int64_t time_max = 1'000'000'000'000;
/// Of what a run may come to.
inline constexpr std::int64_t trace_time_max = 4 * time_max;
/// Values, event times and ids; twice a value is still a number.
inline constexpr std::int64_t value_max = (std::int64_t{1} << 62) - 1;
inline constexpr std::int64_t value_min = -value_max;
inline constexpr std::int64_t capacity_max = 2'147'483'647;
/// So that the number of a call fits.
inline constexpr std::int64_t retries_max = 100'000'000;
inline constexpr std::size_t file_bytes_max = 64 * 1024 * 1024;

} // namespace weir::tool::scenario_limits
