// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A whole job in virtual time: sources, operators, pools and sinks as they run in production, but in the
/// test's thread and on a clock that the test moves. Sources and sinks that wait for a file descriptor
/// (pipes, terminals) cannot run so; files and collections can. Used on the thread of its clock, which
/// outlives it. Nothing runs while that thread waits, so a push into an async service that finds no room, and
/// the wait for a ticket that has not settled, are errors of the kind `would_block`: let the clock run first.
/// Its run id is made of `run_options::seed` (0 where that is absent), so that idempotency keys are the same each time.
/// tests/streams/virtual_job_test.cpp.

#include "weir/environment.hpp"
#include "weir/virtual_clock.hpp"

#include <memory>
#include <optional>
#include <string>

namespace weir::testing {

class virtual_job {
public:
  /// Starts what was built in `env`, as `environment::start` does, and runs it until nothing can happen
  /// before the clock moves.
  virtual_job(virtual_clock& clock, const environment& env, std::string name,
              const run_options& options = {});
  /// Cancels it where it has not ended.
  ~virtual_job();
  virtual_job(const virtual_job&) = delete;
  virtual_job& operator=(const virtual_job&) = delete;

  /// How it ended; absent while it runs.
  const std::optional<job_result>& result() const;

  /// As those of `job`.
  const job_start& how_started() const;
  job_status status() const;
  void drain(duration deadline);
  void stop();
  /// With checkpoints it leaves what the death of a process would: nothing more becomes durable or visible, and
  /// a further virtual job of the environment goes on from the newest checkpoint.
  void cancel();

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace weir::testing
