// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A lane of a service's feed as its stage reads it: one batch a message, so that stop and completions have
/// their turn, and by one message at most that says there is more; but all that stands in front of a barrier
/// when a message tells of that, before anything else is done. Part of an operator's shell, on its thread.

#include "input_gate.hpp"
#include "service_cut.hpp"

#include "weir/interfaces.hpp"
#include "weir/push_feed.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace weir {

class feed_reader {
public:
  /// `from` outlives it; `lane` is one of its run.
  feed_reader(push_feed_base& from, std::shared_ptr<push_lane> lane)
    : feed_(from), lane_(std::move(lane)) {}

  ~feed_reader() { feed_.listen(*lane_, nullptr); }
  feed_reader(const feed_reader&) = delete;
  feed_reader& operator=(const feed_reader&) = delete;

  /// From now on it is told of what comes; `wake` sends the message that comes back as `woken`.
  void begin(push_feed_base::wake_up wake) {
    feed_.listen(*lane_, std::move(wake));
    has_more_ = true;
  }

  void woken() noexcept {
    coming_ = false;
    has_more_ = true;
  }

  /// Puts the next batch into the gate, which is empty. Whether it did.
  bool refill(input_gate& into) {
    if (!has_more_ || std::exchange(refilled_, true))
      return false;
    auto taken = feed_.take(*lane_, coming_);
    has_more_ = taken.more;
    if (taken.of == nullptr)
      return false;
    into.receive({0}, {std::move(taken.of)});
    return true;
  }

  // -- checkpoints --

  /// So many records are in front of all that is read. Before `begin`.
  void restored(std::uint64_t records, std::size_t bytes) {
    feed_.restored(*lane_, records, bytes);
  }

  /// Of instance 0.
  void begin_checkpoint(const checkpoint_request& what) {
    if (auto cut = feed_.begin_checkpoint(*lane_, what.checkpoint, what.last))
      cuts_.insert_or_assign(what.checkpoint, *cut);
  }

  /// With `woken`: puts what stands in front of barriers into the gate.
  void reach_barriers(input_gate& into) {
    for (auto& each : feed_.take_to_barrier(*lane_))
      into.receive({0}, {std::move(each)});
  }

  /// The barrier has been reached: where the whole feed stood is said by instance 0.
  void say_where(std::uint64_t checkpoint, instance_summary& to) {
    const auto at = cuts_.find(checkpoint);
    if (at != cuts_.end())
      write_cut(at->second, to);
    cuts_.erase(cuts_.begin(), cuts_.upper_bound(checkpoint));
  }

  /// The checkpoint is complete. Runs code of the user's, and what that throws comes out.
  void is_durable(std::uint64_t checkpoint) {
    if (lane_->durability != nullptr)
      lane_->durability->reach(checkpoint);
  }

  /// A batch that came from here has been used up.
  void give_back(const credit& used, batch_handle empty) {
    given_back_ = true;
    feed_.give_back(*lane_, static_cast<std::size_t>(used.bytes), std::move(empty.batch));
  }

  /// The machine has taken in so many records, and what has left was delivered. Runs code of the user's,
  /// and what that throws comes out.
  void message_ends(std::uint64_t records_in) {
    refilled_ = false;
    lane_->desk.settle();
    if (!std::exchange(given_back_, false) && records_in == records_in_)
      return;
    records_in_ = records_in;
    feed_.admitted(*lane_, records_in);
  }

  /// Whether the stage, whose gate is empty, must send itself the message that it is to come again.
  bool must_come_again() noexcept { return has_more_ && !std::exchange(coming_, true); }

  ticket_desk& desk() noexcept { return lane_->desk; }

private:
  push_feed_base& feed_;
  const std::shared_ptr<push_lane> lane_;
  bool has_more_ = false;
  /// The stage's message to itself is under way.
  bool coming_ = false;
  bool refilled_ = false;
  bool given_back_ = false;
  std::uint64_t records_in_ = 0;
  /// Of checkpoints whose barrier has not been reached here.
  std::map<std::uint64_t, feed_cut> cuts_;
};

} // namespace weir
