// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What became of one record that a service has pushed: its ticket settles once, whatever happens. Whoever
/// has pushed keeps the ticket, waits for it or leaves a callback; copies are tickets of the same record.
/// Any thread. tests/threads/ticket_test.cpp.

#include "weir/error.hpp"
#include "weir/time.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
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
  /// The job ended before the record was known to have left, or never took it.
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

  bool settled() const;
  expected<settlement> wait(duration at_most) const;
  void on_settled(callback then);

private:
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

private:
  std::shared_ptr<ticket_state> state_;
};

} // namespace weir
