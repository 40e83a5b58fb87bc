// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A job to be killed, with its input and its store. Whatever is visible after a kill, and at the end, is
/// held against a model that knows nothing of weir; what was visible once must stay as it is. One thread.

#include "kill_loop.hpp"
#include "kill_model.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace weir::tool::testing {

/// A job to be killed. Two lookups one behind the other, on a store that answers slowly and sometimes
/// fails, with retries and watermarks; orders of unknown customers, and lines that are no orders, become
/// dead letters in one file. Nothing that comes out hangs on chance: errors are retried until they go.
struct kill_job {
  std::string mode = "ordered";
  promised_order promises = promised_order::of_input;
  std::uint32_t parallelism = 1;
  std::size_t lines = 1'000;
  /// Between checkpoints; absent: the job has none.
  std::optional<std::chrono::milliseconds> checkpoint_interval{};
};

class kill_fixture {
public:
  kill_fixture(kill_job job, std::uint64_t seed);

  /// Runs to the end.
  finished_command run() const;

  /// Runs by the plan until the job is done, and checks all on the way.
  kill_tally kill_until_done(const kill_plan& plan);

  /// Files that hold records or dead letters.
  visible_output visible() const;

  /// As `kill_model::fault_of`, of what is visible now, or what has become of a part that was visible
  /// before.
  std::string fault(progress_so_far how_far);

  /// What is wrong with the summary of the job's end; empty where it adds up.
  std::string fault_of_summary(const std::string& json) const;

  /// Of a summary: questions that were neither a record's first nor a retry.
  static std::int64_t asked_again(const std::string& json);

  const kill_model& model() const noexcept { return model_; }

  weir::testing::temp_folder folder;

private:
  void make_store() const;
  std::string job_text() const;

  const kill_job job_;
  const kill_world world_;
  const kill_model model_;
  /// Visible files that hold records, as they were when they were seen first.
  std::map<std::string, std::string> parts_seen_;
};

} // namespace weir::tool::testing
