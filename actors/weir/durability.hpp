// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Up to which checkpoint a run is durable, for those who want to know it of a record. Nothing is kept for a record
/// that nobody asks for: a record is known by the number of the first checkpoint that has it, which every
/// later one stands for. Any thread; what is left to be called is called by whoever says that a checkpoint is
/// durable, or that the run has ended. tests/threads/durability_test.cpp.

#include "weir/error.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

namespace weir {

class durability {
public:
  using callback = unique_function<void(const expected<void>&)>;

  /// In virtual time nobody waits: the thread that would is the one that lets the clock run.
  explicit durability(bool in_virtual_time) noexcept : in_virtual_time_(in_virtual_time) {}

  // -- whoever makes checkpoints --

  /// This checkpoint, and all before it, is durable. Callbacks are called here, those of earlier checkpoints
  /// first; what one throws comes out when all were called.
  void reach(std::uint64_t checkpoint);

  /// Nothing further becomes durable, because of `why`. Callbacks are called here; what they throw is ignored.
  void end(const error& why) noexcept;

  // -- whoever has a record; `first`: the number of the first checkpoint that has it --

  /// Absent: it is not known yet.
  std::optional<expected<void>> known(std::uint64_t first) const;

  /// Waits until it is known, for so long at most. An error of the kind `timeout_error`; `would_block` where it
  /// would have to wait on a thread that runs stages, or for a run in virtual time; or what the run ended by.
  expected<void> wait(std::uint64_t first, duration at_most) const;

  /// Calls it once: here where it is known, else where that comes to be.
  void on_durable(std::uint64_t first, callback then);

private:
  /// Under the lock.
  std::optional<expected<void>> find(std::uint64_t first) const;

  const bool in_virtual_time_;
  mutable std::mutex mutex_;
  mutable std::condition_variable come_;
  /// The newest that is durable.
  std::optional<std::uint64_t> reached_;
  std::optional<error> ended_;
  /// By the checkpoints that they wait for.
  std::multimap<std::uint64_t, callback> callbacks_;
};

} // namespace weir
