// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace weir::tool {

/// What the command's process ends with.
namespace exit_code {
inline constexpr int done = 0;
/// Of `weir run`.
inline constexpr int job_failed = 1;
/// Of `weir simulate --check`.
inline constexpr int traces_differ = 1;
/// Of `weir simulate --explore`.
inline constexpr int rules_broken = 1;
/// Of `weir checkpoints`.
inline constexpr int damaged = 1;
/// The result cannot be written.
inline constexpr int not_written = 1;
/// Also a bad file.
inline constexpr int bad_usage = 2;
inline constexpr int stopped_early = 3;
} // namespace exit_code

} // namespace weir::tool
