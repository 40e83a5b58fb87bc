// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A heap of slots from which any slot can be taken out: the entries in back-off by the end of their
/// back-off, those that wait for a call by their arrival, finished ones of a key-ordered queue. Part of the deterministic machine:
/// no allocation once grown, not thread-safe.

#include "weir/slot_index.hpp"

#include <cstdint>
#include <utility>
#include <vector>

namespace weir {

/// `First`: by what slots are ordered in the first place, such as a time.
template <class First>
class slot_heap {
public:
  struct key {
    First due{};
    /// Decides where the first is equal.
    std::uint64_t arrival = 0;
    friend auto operator<=>(const key&, const key&) = default;
  };

  void grow(std::size_t slots) {
    places_.resize(slots, absent);
    heap_.reserve(slots);
  }

  bool empty() const noexcept { return heap_.empty(); }
  std::size_t size() const noexcept { return heap_.size(); }

  /// The slot with the least key. Only where not empty.
  slot_index first() const noexcept { return heap_.front().slot; }
  const key& first_key() const noexcept { return heap_.front().by; }

  /// The slot's key. Only where it is in.
  const key& key_of(slot_index slot) const noexcept { return heap_[places_[slot]].by; }

  /// Adds a slot that is not in the heap.
  void push(slot_index slot, const key& by) {
    heap_.push_back({by, slot});
    rise(heap_.size() - 1);
  }

  void pop() { remove(first()); }

  /// Takes the slot out, if it is in.
  void remove(slot_index slot) {
    const auto hole = places_[slot];
    if (hole == absent)
      return;
    places_[slot] = absent;
    const auto last = heap_.back();
    heap_.pop_back();
    if (hole == heap_.size())
      return;
    heap_[hole] = last;
    places_[last.slot] = hole;
    rise(hole);
    sink(places_[last.slot]);
  }

  /// All are so much later, which leaves their order as it is.
  template <class By>
  void put_off(By by) noexcept {
    for (auto& each : heap_)
      each.by.due += by;
  }

  bool contains(slot_index slot) const noexcept { return places_[slot] != absent; }

private:
  static constexpr std::uint32_t absent = 0xFFFF'FFFFu;

  struct node {
    key by;
    slot_index slot;
  };

  void put(std::size_t at, const node& what) {
    heap_[at] = what;
    places_[what.slot] = static_cast<std::uint32_t>(at);
  }

  void rise(std::size_t at) {
    const auto moving = heap_[at];
    while (at > 0 && moving.by < heap_[(at - 1) / 2].by) {
      put(at, heap_[(at - 1) / 2]);
      at = (at - 1) / 2;
    }
    put(at, moving);
  }

  void sink(std::size_t at) {
    const auto moving = heap_[at];
    for (auto child = 2 * at + 1; child < heap_.size(); child = 2 * at + 1) {
      if (child + 1 < heap_.size() && heap_[child + 1].by < heap_[child].by)
        ++child;
      if (!(heap_[child].by < moving.by))
        break;
      put(at, heap_[child]);
      at = child;
    }
    put(at, moving);
  }

  std::vector<node> heap_;
  std::vector<std::uint32_t> places_;
};

} // namespace weir
