// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What became of one record that a service has pushed: its ticket settles once, whatever happens. Whoever
/// has pushed keeps the ticket, waits for it or leaves a callback; copies are tickets of the same record.
/// In a job with checkpoints it tells besides when the record cannot be lost any more, whatever is lost of the
/// process: that comes before it has settled or after, as it happens, and the one says nothing of the other.
/// Any thread. tests/threads/ticket_test.cpp.

#include "weir/durability.hpp"
#include "weir/error.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace weir {

/// How a record ended.
enum class settlement_kind : std::uint8_t {
  /// All its results, of which there may be none, were given to the callback.
  delivered,
  /// It failed for good, and failures of its kind are dropped.
  dropped,
  /// It failed for good and became a dead letter, which was given to the callback where there is one.
  dead_letter,
  /// The job ended, or failed and starts again, before the record was known to have left; or never took it. One
  /// that is durable is in a checkpoint even so, and goes on from there without its ticket.
  lost,
};

struct settlement {
  settlement_kind kind = settlement_kind::lost;
  /// With `delivered`.
  std::size_t results = 0;
  /// The record's error; with `lost`, what ended the job, or why the record was not taken.
  error why{};

  bool ok() const noexcept { return kind == settlement_kind::delivered; }

  friend bool operator==(const settlement&, const settlement&) = default;
};

/// What a ticket and whoever settles it share.
class ticket_state {
public:
  using callback = unique_function<void(const settlement&)>;

  ticket_state();
  ~ticket_state();
  ticket_state(const ticket_state&) = delete;
  ticket_state& operator=(const ticket_state&) = delete;

  /// The first time counts. Callbacks are called here; what one throws comes out when all were called.
  void settle(settlement how);
  /// Before it has settled nobody waits for it: the thread that would is the one that lets the clock run.
  void settles_in_virtual_time();

  /// The record was taken, in the run that `of` belongs to, and the checkpoint of this number is the first that has
  /// it. Null: the run makes none. Before the ticket is anybody's.
  void was_taken(std::shared_ptr<durability> of, std::uint64_t checkpoint);

  bool settled() const;
  expected<settlement> wait(duration at_most) const;
  void on_settled(callback then);

  std::optional<expected<void>> durable() const;
  expected<void> wait_durable(duration at_most) const;
  void on_durable(durability::callback then) const;

private:
  /// Why it never becomes durable, where nobody will say that it has.
  error why_not_durable() const;

  struct impl;
  std::unique_ptr<impl> impl_;
};

class ticket {
public:
  /// For services.
  explicit ticket(std::shared_ptr<ticket_state> of) noexcept : state_(std::move(of)) {}

  bool settled() const { return state_->settled(); }

  /// Waits until it has settled. On a thread that runs stages, and where the job runs in virtual time, it does
  /// not wait where it has not: an error of the kind `would_block`.
  expected<settlement> wait() const { return state_->wait(duration::max()); }

  /// As `wait`, but for so long at most: then an error of the kind `timeout_error`.
  expected<settlement> wait_for(duration at_most) const { return state_->wait(at_most); }

  /// Calls `then(const settlement&)` once it has settled: now where it has, else on the thread on which it
  /// does, which is the operator's, or one that ends the job: it must not wait. What it throws there fails
  /// the job, or is ignored where that has ended.
  void on_settled(ticket_state::callback then) const { state_->on_settled(std::move(then)); }

  // -- that the record will not be lost, in a job with checkpoints --

  /// Whether the record is part of a complete checkpoint: whatever fails from now on, its results will be given.
  /// How long that takes is for the checkpoints' interval to say. False too where it never will be.
  bool is_durable() const {
    const auto how = state_->durable();
    return how && how->has_value();
  }

  /// Waits until it is. An error at once, of the kind `argument`, where the job makes no checkpoints; where the
  /// record was not taken, the error by which; where the launch that has taken it ends first, what that ended by.
  /// `would_block` as `wait`.
  expected<void> wait_durable() const { return state_->wait_durable(duration::max()); }

  /// As `wait_durable`, but for so long at most: then an error of the kind `timeout_error`.
  expected<void> wait_durable_for(duration at_most) const { return state_->wait_durable(at_most); }

  /// Calls `then(const expected<void>&)` once it is durable, or an error says that it is not: where and how as
  /// `on_settled`.
  void on_durable(durability::callback then) const { state_->on_durable(std::move(then)); }

private:
  std::shared_ptr<ticket_state> state_;
};

} // namespace weir
