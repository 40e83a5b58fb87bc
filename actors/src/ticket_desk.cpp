// SPDX-License-Identifier: Apache-2.0
#include "weir/ticket_desk.hpp"

#include <algorithm>
#include <exception>
#include <iterator>

namespace weir {

void ticket_desk::expect(std::vector<ticketed_record>& records) {
  std::move(records.begin(), records.end(), std::back_inserter(expected_));
  records.clear();
  if (!expected_.empty())
    next_ = expected_.front().place;
}

void ticket_desk::seat(slot_index slot) {
  if (slot >= seats_.size())
    seats_.resize(std::max<std::size_t>(slot + 1, 2 * seats_.size()));
  seats_[slot] = std::move(expected_.front().ticket);
  ++seated_;
  expected_.pop_front();
  next_ = expected_.empty() ? std::numeric_limits<std::uint64_t>::max() : expected_.front().place;
}

void ticket_desk::leave(slot_index slot, record_fate how, std::size_t results, const error* why) {
  settlement with{settlement_kind::delivered, results, {}};
  if (how != record_fate::results)
    with = {how == record_fate::dropped ? settlement_kind::dropped : settlement_kind::dead_letter, 0, *why};
  left_.emplace_back(std::move(seats_[slot]), std::move(with));
  --seated_;
}

void ticket_desk::settle() {
  std::exception_ptr thrown;
  for (auto& [ticket, how] : left_)
    try {
      ticket->settle(std::move(how));
    } catch (...) {
      if (!thrown)
        thrown = std::current_exception();
    }
  left_.clear();
  if (thrown)
    std::rethrow_exception(thrown);
}

void ticket_desk::give_up(const error& why) noexcept {
  const auto lose = [&](const std::shared_ptr<ticket_state>& ticket) {
    try {
      if (ticket != nullptr)
        ticket->settle({settlement_kind::lost, 0, why});
    } catch (...) {
      // The job has ended: there is nothing left that could fail.
    }
  };
  for (const auto& [ticket, how] : std::exchange(left_, {}))
    lose(ticket);
  for (const auto& ticket : std::exchange(seats_, {}))
    lose(ticket);
  for (const auto& each : std::exchange(expected_, {}))
    lose(each.ticket);
  seated_ = 0;
  next_ = std::numeric_limits<std::uint64_t>::max();
}

} // namespace weir
