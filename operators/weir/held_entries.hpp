// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an operator holds: its entries, each in a slot, and every order that slots stand in, kept in step
/// with each other. It says what there is and what is due; what happens to a record says the machine, which
/// owns it. Part of the deterministic machine: not thread-safe, time comes from outside.
/// tests/operators/operator_machine_test.cpp.

#include "weir/attempt_durations.hpp"
#include "weir/border_run.hpp"
#include "weir/control.hpp"
#include "weir/deadlines.hpp"
#include "weir/element_queue.hpp"
#include "weir/held_bytes.hpp"
#include "weir/operator_options.hpp"
#include "weir/origin.hpp"
#include "weir/queue_entry.hpp"
#include "weir/slot_heap.hpp"
#include "weir/slot_index.hpp"
#include "weir/slot_table.hpp"
#include "weir/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace weir {

/// What a record may be waiting for the passing of.
enum class record_timer : std::uint8_t { timeout, back_off };

/// So that adding it to a time does not overflow: what is longer never passes either.
constexpr duration in_reach(duration d) noexcept {
  return std::min(d, duration::max() / 2);
}

template <class In, class Out>
class held_entries {
public:
  using entry = queue_entry<In, Out>;

  /// The time of what was restored and has not gone on.
  static constexpr time_point standing_time{};

  explicit held_entries(output_mode mode) noexcept : queue(mode) {}

  // -- slots --

  /// How many there are, free ones too.
  std::size_t slots() const noexcept { return table_.size(); }

  entry& operator[](slot_index slot) noexcept { return table_[slot]; }
  const entry& operator[](slot_index slot) const noexcept { return table_[slot]; }

  /// A slot that may be taken.
  slot_index free_slot() {
    if (!table_.has_free())
      grow();
    return table_.peek();
  }

  /// Looks through all that is held; `no_slot` where no record is from there.
  slot_index slot_of(const origin& of) const {
    for (slot_index slot = 0; slot < table_.size(); ++slot)
      if (const auto state = table_[slot].state;
          state != entry_state::free && state != entry_state::border && table_[slot].from == of)
        return slot;
    return no_slot;
  }

  // -- entering and leaving --

  /// Makes the record in the slot at hand, which is `free_slot()`, an entry. `time_point::max()`: without a timeout.
  [[gnu::always_inline]] void enter(slot_index slot, entry& e, time_point deadline) {
    enter(slot, e);
    if (deadline != time_point::max())
      timeouts.push(slot, deadline);
  }

  /// As above; its timeout is seen to later.
  [[gnu::always_inline]] void enter(slot_index slot, entry& e) {
    table_.take();
    e.arrival = arrivals_++;
    if constexpr (has_fixed_size_v<In>)
      e.bytes = sizeof(In);
    else
      e.bytes = value_bytes(*e.value);
    bytes_ += e.bytes;
    queue.push_record(slot, e.key);
    ++size_;
  }

  /// What the record came to is held with it.
  void add_bytes(entry& e, std::size_t more) noexcept {
    e.bytes += more;
    bytes_ += more;
  }

  /// A border comes, when so many records have.
  void push_border(const control& what, std::uint64_t records) {
    const bool takes_no_capacity = queue.mode() == output_mode::key_ordered;
    if (takes_no_capacity && borders_in_a_row_.merge(what, records, borders_of_))
      return;
    const auto slot = free_slot();
    table_.take();
    auto& e = table_[slot];
    e.state = entry_state::border;
    borders_of_[slot] = what;
    e.arrival = arrivals_++;
    queue.push_border(slot);
    if (takes_no_capacity)
      borders_in_a_row_.push(slot, what);
    ++size_;
    ++borders_;
  }

  /// A restored record stands between the borders before it and those that come.
  void end_run_of_borders() noexcept { borders_in_a_row_.clear(); }

  const control& border_in(slot_index slot) const noexcept { return borders_of_[slot]; }

  /// The border in this slot leaves, before its entry does.
  const control& take_border(slot_index slot) noexcept {
    --borders_;
    return borders_of_[slot];
  }

  /// The entry in the slot at hand is over, and out of the queue.
  [[gnu::always_inline]] void release(slot_index slot, entry& e) noexcept {
    bytes_ -= e.bytes;
    e.bytes = 0;
    e.value.reset();
    e.result.reset();
    e.state = entry_state::free;
    table_.release(slot, e);
    --size_;
  }

  // -- waiting --

  /// The record wants to be called, as soon as its key is free.
  void wait_for_call(slot_index slot) {
    backing_off.remove(slot);
    if (queue.may_be_called(slot))
      waiting.push(slot, {{}, table_[slot].arrival});
  }

  /// The record wants to be called when so much time has passed.
  void back_off(slot_index slot, time_point now, duration wait) {
    backing_off.push(slot, {now + in_reach(wait), table_[slot].arrival});
  }

  /// Each record in back-off wants to be called at once.
  void end_back_offs() {
    while (!backing_off.empty())
      wait_for_call(backing_off.first());
  }

  // -- time --

  /// What is restored from here on stands still: nothing is due until `go_on`.
  void stand() noexcept { stands_ = true; }

  /// Whether it stands since it was restored.
  bool stands() const noexcept { return stands_; }

  /// What was restored begins to pass.
  [[gnu::always_inline]] void go_on(time_point now) noexcept {
    if (stands_) [[unlikely]]
      stop_standing(now);
  }

  /// The earliest timeout or end of a back-off; `time_point::max()` = never.
  time_point next_due() const noexcept {
    auto due = time_point::max();
    if (stands_)
      return due;
    if (timeouts.first() != no_slot)
      due = timeouts.due(timeouts.first());
    if (!backing_off.empty())
      due = std::min(due, backing_off.first_key().due);
    return due;
  }

  /// `time_point::max()` where it does not run.
  time_point timer_of(slot_index slot, record_timer which) const noexcept {
    if (which == record_timer::timeout)
      return timeouts.due(slot);
    return backing_off.contains(slot) ? backing_off.key_of(slot).due : time_point::max();
  }

  // -- how much --

  /// Entries, borders included.
  std::size_t size() const noexcept { return size_; }

  /// Entries that take capacity.
  std::size_t size_that_counts() const noexcept {
    return queue.mode() == output_mode::key_ordered ? size_ - borders_ : size_;
  }

  std::size_t bytes() const noexcept { return bytes_; }

  // -- orders, in which the machine moves slots --

  /// In which entries leave, and which may be called.
  element_queue queue;
  deadlines timeouts;
  /// Records in back-off, by its end.
  slot_heap<time_point> backing_off;
  /// Records that wait for a call, by arrival.
  slot_heap<time_point> waiting;
  attempt_durations durations;

private:
  [[gnu::noinline]] void stop_standing(time_point now) noexcept {
    stands_ = false;
    timeouts.put_off(now - standing_time);
    backing_off.put_off(now - standing_time);
  }

  void grow() {
    table_.grow();
    borders_of_.resize(table_.size(), control::end());
    durations.grow(table_.size());
    queue.grow(table_.size());
    timeouts.grow(table_.size());
    backing_off.grow(table_.size());
    waiting.grow(table_.size());
  }

  slot_table<entry> table_;
  /// The control element of each slot that holds a border.
  std::vector<control> borders_of_;
  border_run borders_in_a_row_;
  std::size_t size_ = 0;
  std::size_t borders_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t arrivals_ = 0;
  bool stands_ = false;
};

} // namespace weir
