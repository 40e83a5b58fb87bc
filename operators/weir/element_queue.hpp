// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who may leave next. One interface and an order each: the ordered queue lets elements leave as they
/// arrived; the unordered queue lets records leave as they finished, but no element passes a border
/// (a watermark or a status) in either direction. Parts of the deterministic machine: no allocation
/// once grown, not thread-safe. tests/operators/element_queue_test.cpp holds both to one contract.

#include "weir/operator_options.hpp"
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

/// Between two borders records leave in the order in which they finished.
class unordered_queue {
public:
  unordered_queue() : segments_(16) {}

  void grow(std::size_t slots) { links_.resize(slots); }

  void push_record(slot_index slot) {
    links_[slot] = {no_slot, last_};
    ++segment_of(last_).records;
  }

  void push_border(slot_index slot) {
    segment_of(last_).border = slot;
    if (last_ - first_ + 1 == segments_.size())
      double_segments();
    segment_of(++last_) = {};
  }

  void finish(slot_index slot) noexcept {
    auto& in = segment_of(links_[slot].segment);
    links_[slot].next = no_slot;
    if (in.last_finished == no_slot)
      in.first_finished = slot;
    else
      links_[in.last_finished].next = slot;
    in.last_finished = slot;
  }

  slot_index ready() const noexcept {
    const auto& front = segment_of(first_);
    if (front.first_finished != no_slot)
      return front.first_finished;
    return front.records == 0 ? front.border : no_slot;
  }

  void pop() noexcept {
    auto& front = segment_of(first_);
    if (front.first_finished == no_slot) {
      ++first_;
      return;
    }
    --front.records;
    front.first_finished = links_[front.first_finished].next;
    if (front.first_finished == no_slot)
      front.last_finished = no_slot;
  }

  bool passes_directly() const noexcept {
    return first_ == last_ && segment_of(first_).first_finished == no_slot;
  }

  bool leaves_next(slot_index slot) const noexcept { return links_[slot].segment == first_; }

private:
  struct link {
    slot_index next = no_slot;
    std::uint64_t segment = 0;
  };

  /// The records between two borders, and the border that ends them.
  struct segment {
    std::uint64_t records = 0;
    slot_index first_finished = no_slot;
    slot_index last_finished = no_slot;
    slot_index border = no_slot;
  };

  segment& segment_of(std::uint64_t number) noexcept {
    return segments_[number & (segments_.size() - 1)];
  }
  const segment& segment_of(std::uint64_t number) const noexcept {
    return segments_[number & (segments_.size() - 1)];
  }

  void double_segments() {
    std::vector<segment> more(segments_.size() * 2);
    for (auto number = first_; number <= last_; ++number)
      more[number & (more.size() - 1)] = segment_of(number);
    segments_ = std::move(more);
  }

  std::vector<link> links_;
  /// A ring; its size is a power of two. Segments are numbered from 0 on, so that a record knows its
  /// segment for good; these are the numbers of the front and of the one that is being filled.
  std::vector<segment> segments_;
  std::uint64_t first_ = 0;
  std::uint64_t last_ = 0;
};

/// The queue of one operator, in the order that its mode asks for.
class element_queue {
public:
  explicit element_queue(output_mode mode) noexcept : ordered_mode_(mode == output_mode::ordered) {}

  void grow(std::size_t slots) { ordered_mode_ ? ordered_.grow(slots) : unordered_.grow(slots); }
  void push_record(slot_index slot) {
    ordered_mode_ ? ordered_.push_record(slot) : unordered_.push_record(slot);
  }
  void push_border(slot_index slot) {
    ordered_mode_ ? ordered_.push_border(slot) : unordered_.push_border(slot);
  }
  void finish(slot_index slot) noexcept {
    ordered_mode_ ? ordered_.finish(slot) : unordered_.finish(slot);
  }
  slot_index ready() const noexcept {
    return ordered_mode_ ? ordered_.ready() : unordered_.ready();
  }
  void pop() noexcept { ordered_mode_ ? ordered_.pop() : unordered_.pop(); }
  bool passes_directly() const noexcept {
    return ordered_mode_ ? ordered_.passes_directly() : unordered_.passes_directly();
  }
  bool leaves_next(slot_index slot) const noexcept {
    return ordered_mode_ ? ordered_.leaves_next(slot) : unordered_.leaves_next(slot);
  }

private:
  bool ordered_mode_;
  ordered_queue ordered_;
  unordered_queue unordered_;
};

} // namespace weir
