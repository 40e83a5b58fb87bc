// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Runs `weir run job.toml` in a folder, kills it by SIGKILL at moments drawn from a seed, and starts it
/// again until it is done; and counts what that met, so that kills which hit nothing are not taken for a
/// proof. One thread.

#include "command_fixture.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool::testing {

/// A key of the job file, and what a start may set it to.
struct drawn_setting {
  std::string key;
  std::vector<std::string> values;
};

/// How a job is killed.
struct kill_plan {
  std::uint64_t seed = 1;
  /// Then it is left to come to its end.
  int kills = 1;
  std::chrono::milliseconds life_min{50};
  std::chrono::milliseconds life_max{500};
  /// Of every start.
  std::vector<std::string> arguments{};
  /// A third of the starts but the first draws a value for each of these.
  std::vector<drawn_setting> settings{};
};

/// What killing has met.
struct kill_tally {
  int starts = 0;
  /// By the signal.
  int kills = 0;
  /// Starts that said that they went on from a checkpoint with something behind it. Each lies behind a kill
  /// between the first of those and the end.
  int went_on = 0;
  /// Questions to the store, of those that counted in the end, that were asked again because of a restart.
  std::int64_t asked_again = 0;

  kill_tally& operator+=(const kill_tally& other);

  /// What was met too seldom for `kills_wanted` kills to show anything; empty where nothing was.
  std::string shortfall(int kills_wanted) const;
};

/// Runs the job in `folder` to its end, with these arguments and `--json`, unless `life` is over before.
finished_command run_for(const std::string& folder, const std::vector<std::string>& arguments,
                         std::optional<std::chrono::milliseconds> life = std::nullopt);

/// Says what is wrong behind a kill, or when the job is done; empty where nothing is.
using look_at_job = std::function<std::string(const finished_command& ended, bool done)>;

/// Runs by the plan until the job is done. Fewer kills than planned where it was done before. Throws, and
/// says behind which start, where a start fails by itself or something is wrong.
kill_tally kill_job_until_done(const std::string& folder, const kill_plan& plan,
                               const look_at_job& look);

} // namespace weir::tool::testing
