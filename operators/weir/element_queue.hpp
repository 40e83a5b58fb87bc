// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who may leave next. One interface and an order each: the ordered queue lets elements leave as they
/// arrived; the unordered queue lets records leave as they finished, but no element passes a border
/// (a watermark or a status) in either direction; the key-ordered queue does the same, but records of one
/// key leave as they arrived. Parts of the deterministic machine: no allocation once grown, not
/// thread-safe. tests/operators/element_queue_test.cpp holds all to one contract.

#include "weir/key_chains.hpp"
#include "weir/operator_options.hpp"
#include "weir/slot_heap.hpp"
#include "weir/slot_index.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace weir {

/// Elements leave in the order in which they arrived.
class ordered_queue {
public:
  void grow(std::size_t slots) { links_.resize(slots); }

  void push_record(slot_index slot) { push(slot, false); }
  void push_border(slot_index slot) { push(slot, true); }

  /// The record in `slot` has its outcome. A border is finished from birth.
  void finish(slot_index slot) noexcept { links_[slot].finished = true; }

  /// The element that may leave now, or `no_slot`.
  slot_index ready() const noexcept {
    return head_ != no_slot && links_[head_].finished ? head_ : no_slot;
  }

  /// The element that `ready()` names has left.
  void pop() noexcept {
    head_ = links_[head_].next;
    if (head_ == no_slot)
      tail_ = no_slot;
  }

  /// Whether an element that is finished at once would be the next to leave.
  bool passes_directly() const noexcept { return head_ == no_slot; }

  /// Whether the record in `slot`, which is not finished, would leave next if it were finished now;
  /// `pop_unfinished` then takes it out.
  bool is_next_unfinished(slot_index slot) const noexcept { return slot == head_; }
  void pop_unfinished() noexcept { pop(); }

  /// Whether the record in `slot` would leave next if it were finished now and nothing else is.
  bool leaves_next(slot_index slot) const noexcept { return slot == head_; }

private:
  struct link {
    slot_index next = no_slot;
    bool finished = false;
  };

  void push(slot_index slot, bool finished) {
    links_[slot] = {no_slot, finished};
    if (tail_ == no_slot)
      head_ = slot;
    else
      links_[tail_].next = slot;
    tail_ = slot;
  }

  std::vector<link> links_;
  slot_index head_ = no_slot;
  slot_index tail_ = no_slot;
};

/// What lies between two borders, as a ring of `Segment`s. They are numbered from 0 on, so that a record
/// knows its own for good. `Segment` has a field `border`, the element that ends it.
template <class Segment>
class segment_ring {
public:
  segment_ring() : ring_(16) {}

  /// The number of the front one, and of the one that is being filled.
  std::uint64_t first() const noexcept { return first_; }
  std::uint64_t last() const noexcept { return last_; }

  Segment& operator[](std::uint64_t number) noexcept { return ring_[number & (ring_.size() - 1)]; }
  const Segment& operator[](std::uint64_t number) const noexcept {
    return ring_[number & (ring_.size() - 1)];
  }
  Segment& front() noexcept { return (*this)[first_]; }
  const Segment& front() const noexcept { return (*this)[first_]; }

  /// Ends the one that is being filled with a border, and begins the next.
  void end_with(slot_index border) {
    (*this)[last_].border = border;
    if (last_ - first_ + 1 == ring_.size())
      grow();
    (*this)[++last_] = {};
  }

  /// The border of the front one has left.
  void pop() noexcept { ++first_; }

private:
  void grow() {
    std::vector<Segment> more(ring_.size() * 2);
    for (auto number = first_; number <= last_; ++number)
      more[number & (more.size() - 1)] = (*this)[number];
    ring_ = std::move(more);
  }

  /// Its size is a power of two.
  std::vector<Segment> ring_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
};

/// Between two borders records leave in the order in which they finished.
class unordered_queue {
public:
  void grow(std::size_t slots) { links_.resize(slots); }

  void push_record(slot_index slot) {
    links_[slot] = {no_slot, segments_.last()};
    ++segments_[segments_.last()].records;
  }

  void push_border(slot_index slot) { segments_.end_with(slot); }

  void finish(slot_index slot) noexcept {
    auto& in = segments_[links_[slot].segment];
    links_[slot].next = no_slot;
    (in.last_finished == no_slot ? in.first_finished : links_[in.last_finished].next) = slot;
    in.last_finished = slot;
  }

  slot_index ready() const noexcept {
    const auto& front = segments_.front();
    if (front.first_finished != no_slot)
      return front.first_finished;
    return front.records == 0 ? front.border : no_slot;
  }

  void pop() noexcept {
    auto& front = segments_.front();
    if (front.first_finished == no_slot) {
      segments_.pop();
      return;
    }
    --front.records;
    front.first_finished = links_[front.first_finished].next;
    if (front.first_finished == no_slot)
      front.last_finished = no_slot;
  }

  bool passes_directly() const noexcept {
    return segments_.first() == segments_.last()
           && segments_.front().first_finished == no_slot;
  }

  bool leaves_next(slot_index slot) const noexcept {
    return links_[slot].segment == segments_.first();
  }

  bool is_next_unfinished(slot_index slot) const noexcept {
    return links_[slot].segment == segments_.first()
           && segments_.front().first_finished == no_slot;
  }
  void pop_unfinished() noexcept { --segments_.front().records; }

private:
  struct link {
    slot_index next = no_slot;
    std::uint64_t segment = 0;
  };

  struct segment {
    std::uint64_t records = 0;
    slot_index first_finished = no_slot;
    slot_index last_finished = no_slot;
    slot_index border = no_slot;
  };

  std::vector<link> links_;
  segment_ring<segment> segments_;
};

/// Between two borders records leave in the order in which they finished, but those of one key in the
/// order in which they arrived: one that finished early waits for the earlier ones of its key.
class key_ordered_queue {
public:
  void grow(std::size_t slots) {
    chains_.grow(slots);
    may_leave_.grow(slots);
    places_.resize(slots);
  }

  void push_record(slot_index slot, key_hash key) {
    places_[slot].segment = segments_.last();
    ++segments_[segments_.last()].records;
    chains_.push(slot, key);
  }
  void push_border(slot_index slot) { segments_.end_with(slot); }

  /// The next of its key that may now be called, or `no_slot`.
  slot_index finish(slot_index slot) {
    places_[slot].finished_as = ++finished_;
    if (chains_.is_first(slot))
      let_leave(slot);
    return chains_.finish(slot);
  }

  slot_index ready() const noexcept {
    if (!may_leave_.empty() && places_[may_leave_.first()].segment == segments_.first())
      return may_leave_.first();
    return segments_.front().records == 0 ? segments_.front().border : no_slot;
  }

  void pop() {
    if (segments_.front().records == 0) {
      segments_.pop();
      return;
    }
    const auto leaves = may_leave_.first();
    may_leave_.pop();
    --segments_.front().records;
    const auto next = chains_.pop(leaves);
    if (next != no_slot)
      let_leave(next);
  }

  bool passes_directly(key_hash key) const noexcept {
    return segments_.first() == segments_.last() && may_leave_.empty() && chains_.is_absent(key);
  }
  bool leaves_next(slot_index slot) const noexcept {
    return places_[slot].segment == segments_.first();
  }

  bool key_is_free(key_hash key) const noexcept { return chains_.is_free(key); }
  bool may_be_called(slot_index slot) const noexcept { return chains_.may_be_called(slot); }

private:
  struct place {
    std::uint64_t segment = 0;
    /// Which finish of the operator's it was.
    std::uint64_t finished_as = 0;
  };
  struct segment {
    std::uint64_t records = 0;
    slot_index border = no_slot;
  };

  /// No earlier one of its key is left.
  void let_leave(slot_index slot) { may_leave_.push(slot, {places_[slot].segment, places_[slot].finished_as}); }

  key_chains chains_;
  segment_ring<segment> segments_;
  /// Finished records for whose key it is their turn, by segment and then as they finished.
  slot_heap<std::uint64_t> may_leave_;
  std::vector<place> places_;
  std::uint64_t finished_ = 0;
};

/// The queue of one operator, in the order that its mode asks for. Keys matter in `key_ordered` alone.
class element_queue {
public:
  explicit element_queue(output_mode mode) noexcept : mode_(mode) {}

  output_mode mode() const noexcept { return mode_; }

  void grow(std::size_t slots) {
    switch (mode_) {
      case output_mode::ordered: ordered_.grow(slots); break;
      case output_mode::unordered: unordered_.grow(slots); break;
      case output_mode::key_ordered: key_ordered_.grow(slots); break;
    }
  }

  [[gnu::always_inline]] void push_record(slot_index slot, key_hash key) {
    switch (mode_) {
      case output_mode::ordered: ordered_.push_record(slot); break;
      case output_mode::unordered: unordered_.push_record(slot); break;
      case output_mode::key_ordered: key_ordered_.push_record(slot, key); break;
    }
  }

  void push_border(slot_index slot) {
    switch (mode_) {
      case output_mode::ordered: ordered_.push_border(slot); break;
      case output_mode::unordered: unordered_.push_border(slot); break;
      case output_mode::key_ordered: key_ordered_.push_border(slot); break;
    }
  }

  /// A record that may be called because this one is finished, or `no_slot`.
  slot_index finish(slot_index slot) {
    switch (mode_) {
      case output_mode::ordered: ordered_.finish(slot); break;
      case output_mode::unordered: unordered_.finish(slot); break;
      case output_mode::key_ordered: return key_ordered_.finish(slot);
    }
    return no_slot;
  }

  slot_index ready() const noexcept {
    if (mode_ == output_mode::ordered)
      return ordered_.ready();
    return mode_ == output_mode::unordered ? unordered_.ready() : key_ordered_.ready();
  }

  void pop() {
    switch (mode_) {
      case output_mode::ordered: ordered_.pop(); break;
      case output_mode::unordered: unordered_.pop(); break;
      case output_mode::key_ordered: key_ordered_.pop(); break;
    }
  }

  bool passes_directly(key_hash key) const noexcept {
    if (mode_ == output_mode::ordered)
      return ordered_.passes_directly();
    return mode_ == output_mode::unordered ? unordered_.passes_directly()
                                           : key_ordered_.passes_directly(key);
  }

  bool leaves_next(slot_index slot) const noexcept {
    if (mode_ == output_mode::ordered)
      return ordered_.leaves_next(slot);
    return mode_ == output_mode::unordered ? unordered_.leaves_next(slot)
                                           : key_ordered_.leaves_next(slot);
  }

  /// Never in key-ordered mode, where more hangs on a record's end.
  [[gnu::always_inline]] bool is_next_unfinished(slot_index slot) const noexcept {
    if (mode_ == output_mode::ordered)
      return ordered_.is_next_unfinished(slot);
    return mode_ == output_mode::unordered && unordered_.is_next_unfinished(slot);
  }
  [[gnu::always_inline]] void pop_unfinished() noexcept {
    mode_ == output_mode::ordered ? ordered_.pop_unfinished() : unordered_.pop_unfinished();
  }

  /// Whether a record of this key that came now might be called.
  bool key_is_free(key_hash key) const noexcept {
    return mode_ != output_mode::key_ordered || key_ordered_.key_is_free(key);
  }

  /// Whether all earlier records of its key are finished.
  bool may_be_called(slot_index slot) const noexcept {
    return mode_ != output_mode::key_ordered || key_ordered_.may_be_called(slot);
  }

private:
  output_mode mode_;
  ordered_queue ordered_;
  unordered_queue unordered_;
  key_ordered_queue key_ordered_;
};

} // namespace weir
