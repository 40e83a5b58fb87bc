// SPDX-License-Identifier: Apache-2.0
#pragma once

/// `weir plan`: how large an operator must be for a load that is described, or taken from the summary of a run. Writes
/// to standard output and standard error. One thread.

#include "sizing.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace weir::tool {

struct plan_arguments {
  double rate = 0;
  /// Times and sizes as a person writes them.
  std::optional<std::string> latency{};
  std::optional<std::string> slowest{};
  /// `0.01` or `1%`.
  std::optional<std::string> retry_share{};
  std::optional<std::string> retry_time{};
  std::optional<std::uint64_t> keys{};
  std::string record_size = "1KiB";
  /// What `weir run --json` has printed; empty: all is given.
  std::string summary{};
  /// Of the summary's lookups; empty: its only one.
  std::string lookup{};
  bool json = false;
};

/// What the options say, with the summary's numbers where they say nothing.
expected<expected_load> load_of(const plan_arguments& arguments);

/// Returns the exit code.
int plan_command(const plan_arguments& arguments);

} // namespace weir::tool
