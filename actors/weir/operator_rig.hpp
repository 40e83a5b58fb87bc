// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One operator instance as its actor runs it, in a virtual system: fed by hand, with an output that always
/// has room, and everything that leaves it in the order in which it left. The base of `weir::testing` and
/// of `weir simulate --actors`. Used on the thread of its virtual system, which outlives it; nothing
/// happens unless that is run.

#include "weir/error.hpp"
#include "weir/job_plan.hpp"
#include "weir/job_status.hpp"
#include "weir/log.hpp"
#include "weir/operator_state.hpp"
#include "weir/run_id.hpp"
#include "weir/virtual_system.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace weir {

/// Records that left together: `of->records()` results of one record, or its dead letter.
struct records_left {
  output_kind output = output_kind::results;
  std::shared_ptr<batch_base> of;
};

/// What an operator's outputs gave, in order. Control elements, which go to both, are there once.
using element_left = std::variant<records_left, control>;

struct operator_rig_settings {
  std::string job = "test";
  run_id run{};
  std::uint32_t subtask = 0;
  /// Decides what jitter takes off.
  std::uint64_t seed = 0;
  log_function log{};
  /// Where it goes on from, and how; null: a fresh start.
  std::shared_ptr<const operator_state> restored{};
  restore_mode restore_how = restore_mode::resume;
  /// Those that its function may use. Without threads: their futures are looked at whenever the system is
  /// run.
  std::vector<waiting_pool_plan> waiting_pools{};
};

class operator_rig {
public:
  /// `what` has no mistakes.
  operator_rig(virtual_system& in, operator_plan what, const std::vector<pool_plan>& pools,
               operator_rig_settings settings);
  /// Ends the operator with all that is under way, as a crash does.
  ~operator_rig();
  operator_rig(const operator_rig&) = delete;
  operator_rig& operator=(const operator_rig&) = delete;

  /// Opens the pools' drivers and the function, and lets the operator run. What went wrong; of the
  /// function's `open` that is `failure()`.
  std::vector<error> start();

  /// Sends a batch; the operator gets it when the system runs. A barrier must be the last element.
  void feed(std::unique_ptr<batch_base> of);

  /// All that has left since this was last asked. When the system has come to rest.
  std::vector<element_left> take_output();

  /// The state at the last barrier that has passed; null where there was none, or it could not be written.
  std::shared_ptr<const operator_state> state() const;

  /// Why the state at the last barrier could not be written.
  const std::optional<error>& refusal() const;

  /// Set once the operator could not go on.
  const std::optional<operator_failure>& failure() const;

  /// Whether the end of input has left.
  bool finished() const;

  operator_status status() const;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace weir
