// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What weir has to say while a job runs. The library prints nothing: whoever wants to know gives a
/// function, which is called from any thread of the job, several at a time, and must neither block nor
/// throw. Never holds keys or values of records. Plain values; any thread.

#include <cstdint>
#include <functional>
#include <string>

namespace weir {

enum class log_level : std::uint8_t {
  /// Something that is as it should be.
  info,
  /// Something that somebody should look at; the job goes on.
  warning,
  /// Something failed.
  error,
};

struct log_entry {
  log_level level = log_level::info;
  /// What it is about: an operator, a pool.
  std::string thing;
  /// A sentence for a person; says what to do where that is known.
  std::string message;
};

using log_function = std::function<void(const log_entry&)>;

} // namespace weir
