// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One output of a stage instance, from the machine's `emit` to the batches that are sent. What
/// `direct_port` is for one edge without steps and keys, `staged_port` is for all others;
/// `make_output_port` decides. Part of a stage's shell, on its thread.

#include "lane.hpp"

#include "weir/edge_step.hpp"
#include "weir/output.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

/// One edge as its sender needs it: the receivers, and what happens on the way to them.
struct edge_parts {
  std::vector<lane_target> targets;
  std::vector<step_maker> steps;
  /// Where set, a record goes to the target that has its key's group; else they have it in turn.
  key_reader_maker keys;
  /// Where it leads, for a person; empty where it is the output's only one.
  std::string to{};
};

class output_port : public output {
public:
  /// Sends a batch to a receiver, in the stage's name.
  using sender = std::function<void(const lane_target&, batch_handle)>;

  /// The receiver at `lane` has more room; `spare` may be null. Lanes are numbered over all edges.
  virtual void grant(std::uint32_t lane, const credit& more, batch_handle spare) = 0;

  using output::emit;

  /// Runs the steps on what has been emitted. A stage calls it after every message, so that between two
  /// messages every record is in a lane.
  virtual void run_steps() = 0;

  /// Sends what is in the open batches.
  virtual void flush() = 0;

  /// Whether `flush` has something to send.
  virtual bool has_unsent() const noexcept = 0;

  /// The greatest event time emitted since this was last asked; `none()` where there was none.
  virtual event_time take_newest() noexcept = 0;

  /// Records that have been emitted since it was made.
  virtual std::uint64_t records() noexcept = 0;

  /// Records that have come to lanes: behind the steps, and once for each edge.
  virtual std::uint64_t sent() noexcept = 0;

  /// Set where a step has failed: there is no room any more, and nothing more is sent.
  virtual const std::optional<step_failure>& failure() const noexcept = 0;

  /// All lanes, in order of their numbers.
  virtual std::vector<lane_target> targets() const = 0;
};

/// `prototype` is an empty batch of the output's type. No edges: all that is emitted is dropped, and
/// there is always room.
std::unique_ptr<output_port> make_output_port(const std::vector<edge_parts>& edges,
                                              std::unique_ptr<batch_base> prototype,
                                              batch_limits limits, output_port::sender send);

} // namespace weir
