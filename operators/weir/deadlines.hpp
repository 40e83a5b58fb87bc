// SPDX-License-Identifier: Apache-2.0
#pragma once

/// When entries' timeouts pass. All timeouts of one operator are equal, so deadlines are a queue: a new
/// one goes to the end, and one that is no longer needed is taken out from where it stands, both in
/// constant time. Part of the deterministic machine: not thread-safe, time comes from outside.

#include "weir/prefetch.hpp"
#include "weir/slot_index.hpp"
#include "weir/time.hpp"

#include <vector>

namespace weir {

class deadlines {
public:
  void grow(std::size_t slots) { links_.resize(slots); }

  /// Adds the deadline of a slot that has none. Those of restored entries may come before others; they
  /// find their place from the end.
  [[gnu::always_inline]] void push(slot_index slot, time_point due) {
    if (tail_ != no_slot && links_[tail_].due > due) [[unlikely]] {
      push_before_last(slot, due);
      return;
    }
    links_[slot] = {tail_, no_slot, due, true};
    (tail_ == no_slot ? head_ : links_[tail_].next) = slot;
    tail_ = slot;
  }

  /// Takes out the slot's deadline, if it has one.
  [[gnu::always_inline]] void remove(slot_index slot) noexcept {
    auto& at = links_[slot];
    if (!at.present)
      return;
    at.present = false;
    (at.previous == no_slot ? head_ : links_[at.previous].next) = at.next;
    (at.next == no_slot ? tail_ : links_[at.next].previous) = at.previous;
  }

  /// All pass so much later.
  void put_off(duration by) noexcept {
    for (auto slot = head_; slot != no_slot; slot = links_[slot].next)
      links_[slot].due += by;
  }

  bool contains(slot_index slot) const noexcept { return links_[slot].present; }

  /// The slot with the earliest deadline, or `no_slot`.
  slot_index first() const noexcept { return head_; }

  /// The slot's deadline; `time_point::max()` where it has none.
  time_point due(slot_index slot) const noexcept {
    return links_[slot].present ? links_[slot].due : time_point::max();
  }

  /// Has what is known of the slot brought near.
  void fetch(slot_index slot) const noexcept { prefetch(links_[slot]); }

private:
  void push_before_last(slot_index slot, time_point due) {
    auto before = tail_;
    while (before != no_slot && links_[before].due > due)
      before = links_[before].previous;
    const auto after = before == no_slot ? head_ : links_[before].next;
    links_[slot] = {before, after, due, true};
    (before == no_slot ? head_ : links_[before].next) = slot;
    (after == no_slot ? tail_ : links_[after].previous) = slot;
  }

  struct link {
    slot_index previous = no_slot;
    slot_index next = no_slot;
    time_point due;
    bool present = false;
  };

  std::vector<link> links_;
  slot_index head_ = no_slot;
  slot_index tail_ = no_slot;
};

} // namespace weir
