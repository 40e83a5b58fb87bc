// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What weir has to say while a job runs. The library prints nothing: whoever wants to know gives a
/// function, which is called from any thread of the job, several at a time, and must not block; what it
/// throws is dropped. Never holds keys or values of records. Plain values; any thread.

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

/// How the library calls a log function, which may be null: nothing that it throws gets out.
inline void tell(const log_function& to, const log_entry& what) noexcept {
  if (!to)
    return;
  try {
    to(what);
  } catch (...) {
    // It was the one to be told.
  }
}

} // namespace weir
