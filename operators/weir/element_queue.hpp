// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Who may leave next. One interface and an order each: the ordered queue lets elements leave as they
/// arrived; the unordered queue lets records leave as they finished, but no element passes a border
/// (a watermark or a status) in either direction; the key-ordered queue does the same, but records of one
/// key leave as they arrived. Parts of the deterministic machine: no allocation once grown, not
/// thread-safe. tests/operators/element_queue_test.cpp holds all to one contract.

#include "weir/key_chains.hpp"
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

  void finish(slot_index slot) noexcept { insert(slot, segment_of(links_[slot].segment).last_finished); }

  /// As `finish`, but before those of its segment for which `is_later` holds.
  template <class IsLater>
  void finish_before(slot_index slot, IsLater is_later) noexcept {
    const auto& in = segment_of(links_[slot].segment);
    auto behind = no_slot;
    for (auto at = in.first_finished; at != no_slot && !is_later(at); at = links_[at].next)
      behind = at;
    insert(slot, behind);
  }

  slot_index ready() const noexcept {
    const auto& front = segment_of(first_);
    if (front.first_finished != no_slot)
      return front.first_finished;
    return front.records == 0 ? front.border : no_slot;
  }

  /// Whether it is a border that `ready` names.
  bool is_border_next() const noexcept { return segment_of(first_).first_finished == no_slot; }

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

  bool is_next_unfinished(slot_index slot) const noexcept {
    return links_[slot].segment == first_ && segment_of(first_).first_finished == no_slot;
  }
  void pop_unfinished() noexcept { --segment_of(first_).records; }

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

  /// Puts a finished record behind another of its segment, or first.
  void insert(slot_index slot, slot_index behind) noexcept {
    auto& in = segment_of(links_[slot].segment);
    auto& before = behind == no_slot ? in.first_finished : links_[behind].next;
    links_[slot].next = before;
    before = slot;
    if (in.last_finished == behind)
      in.last_finished = slot;
  }

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

/// Between two borders records leave in the order in which they finished, but those of one key in the
/// order in which they arrived: one that finished early waits for the earlier ones of its key.
class key_ordered_queue {
public:
  void grow(std::size_t slots) {
    segments_.grow(slots);
    chains_.grow(slots);
    finished_as_.resize(slots);
  }

  void push_record(slot_index slot, key_hash key) {
    segments_.push_record(slot);
    chains_.push(slot, key);
  }
  void push_border(slot_index slot) { segments_.push_border(slot); }

  /// The next of its key that may now be called, or `no_slot`.
  slot_index finish(slot_index slot) noexcept {
    finished_as_[slot] = ++finished_;
    if (chains_.is_first(slot))
      segments_.finish(slot);
    return chains_.finish(slot);
  }

  slot_index ready() const noexcept { return segments_.ready(); }

  void pop() noexcept {
    const auto leaves = segments_.ready();
    const bool is_record = !segments_.is_border_next();
    segments_.pop();
    if (!is_record)
      return;
    const auto next = chains_.pop(leaves);
    if (next != no_slot)
      segments_.finish_before(next, [&](slot_index other) {
        return finished_as_[other] > finished_as_[next];
      });
  }

  bool passes_directly(key_hash key) const noexcept {
    return segments_.passes_directly() && chains_.is_absent(key);
  }
  bool leaves_next(slot_index slot) const noexcept { return segments_.leaves_next(slot); }

  bool key_is_free(key_hash key) const noexcept { return chains_.is_free(key); }
  bool may_be_called(slot_index slot) const noexcept { return chains_.may_be_called(slot); }

private:
  unordered_queue segments_;
  key_chains chains_;
  /// Which finish of the operator's a record's was.
  std::vector<std::uint64_t> finished_as_;
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
  slot_index finish(slot_index slot) noexcept {
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

  void pop() noexcept {
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
  bool is_next_unfinished(slot_index slot) const noexcept {
    if (mode_ == output_mode::ordered)
      return ordered_.is_next_unfinished(slot);
    return mode_ == output_mode::unordered && unordered_.is_next_unfinished(slot);
  }
  void pop_unfinished() noexcept {
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
