// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Follows the records of one operator instance that have a ticket. The feed names them by their place
/// among all records of the instance, and the machine takes records in that order, so a record gets its
/// ticket without a look-up; one without a ticket costs two comparisons. Used by the instance's stage on its thread, and
/// when that has ended by whoever ends the job.

#include "weir/operator_body.hpp"
#include "weir/ticket.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

namespace weir {

/// A record with a ticket, on its way to the machine.
struct ticketed_record {
  /// Records of this instance before it.
  std::uint64_t place = 0;
  std::shared_ptr<ticket_state> ticket;
};

class ticket_desk {
public:
  /// These records will be admitted, behind those of before. Empties `records`.
  void expect(std::vector<ticketed_record>& records);

  // -- what the machine tells --

  void admitted(slot_index slot) {
    if (admitted_++ == next_) [[unlikely]]
      seat(slot);
  }

  void left(slot_index slot, record_fate how, std::size_t results, const error* why) {
    if (seated_ > 0 && slot < seats_.size() && seats_[slot] != nullptr) [[unlikely]]
      leave(slot, how, results, why);
  }

  // -- settling --

  /// What has left was delivered. What callbacks throw comes out when all is settled.
  void settle();

  /// Nothing more leaves: all others are lost. Never throws.
  void give_up(const error& why) noexcept;

private:
  void seat(slot_index slot);
  void leave(slot_index slot, record_fate how, std::size_t results, const error* why);

  std::uint64_t admitted_ = 0;
  /// The place of the first of `expected_`.
  std::uint64_t next_ = std::numeric_limits<std::uint64_t>::max();
  std::deque<ticketed_record> expected_;
  /// The tickets of the records in the machine, by slot.
  std::vector<std::shared_ptr<ticket_state>> seats_;
  std::size_t seated_ = 0;
  std::vector<std::pair<std::shared_ptr<ticket_state>, settlement>> left_;
};

/// What an operator's machine tells, where its records may have tickets.
class ticket_observer : public call_observer {
public:
  ticket_observer(operator_parts& parts, ticket_desk& desk) : call_observer(parts), desk_(desk) {}

  void admitted(slot_index slot) { desk_.admitted(slot); }
  void left(slot_index slot, record_fate how, std::size_t results, const error* why) {
    desk_.left(slot, how, results, why);
  }

private:
  ticket_desk& desk_;
};

} // namespace weir
