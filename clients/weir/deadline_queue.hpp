// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which questions' deadlines pass next. Most come in order and wait in a row; one that comes earlier than what was
/// put in last, as that of a record that is asked about again, waits in a heap. Nothing is taken out but at the
/// fronts: an answered question's deadline stays until it gets there, or until such ones are the greater part and go
/// together; for either is looked now and then, and not with each question. So a question costs constant time where
/// deadlines grow, and an expiry the logarithm of their number, however many pass. Part of a `pool_client`, on its
/// thread. tests/clients/pool_client_test.cpp.

#include "weir/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace weir {

class deadline_queue {
public:
  /// The deadline of what is in a slot, as long as that has this generation.
  struct item {
    time_point due;
    std::uint32_t slot;
    std::uint32_t generation;
  };

  bool empty() const noexcept { return first_ == row_.size() && heap_.empty(); }

  /// Never later than the earliest deadline of what is still there; `time_point::max()` where there is none.
  time_point next() const noexcept { return empty() ? time_point::max() : top().due; }

  /// `live`: how many questions there are; `is_gone(item)`: whether its question is over.
  template <class IsGone>
  void push(const item& what, std::size_t live, IsGone is_gone) {
    if (room_ == 0) [[unlikely]]
      make_room(live, is_gone);
    if (row_.empty() || what.due >= row_.back().due) [[likely]]
      row_.push_back(what);
    else
      push_early(what);
    --room_;
  }

  /// Takes those out whose questions are over and that are the next of the row.
  template <class IsGone>
  void drop_gone(IsGone is_gone) noexcept {
    const auto end = row_.size();
    while (first_ < end && is_gone(row_[first_]))
      ++first_;
    compact();
  }

  /// The earliest. Only where it is not empty.
  const item& top() const noexcept { return is_in_row() ? row_[first_] : heap_.front(); }

  void pop() noexcept {
    if (is_in_row()) {
      pop_row();
    } else {
      std::pop_heap(heap_.begin(), heap_.end(), is_later);
      heap_.pop_back();
    }
  }

  /// Keeps the memory.
  void clear() noexcept {
    row_.clear();
    first_ = 0;
    heap_.clear();
  }

private:
  static constexpr std::size_t slack = 64;

  static bool is_later(const item& a, const item& b) noexcept {
    return std::tie(a.due, a.slot) > std::tie(b.due, b.slot);
  }

  /// Whether the earliest is there.
  bool is_in_row() const noexcept {
    return first_ < row_.size() && (heap_.empty() || !is_later(row_[first_], heap_.front()));
  }

  [[gnu::noinline]] void push_early(const item& what) {
    // Not behind what is no longer in the row.
    if (first_ == row_.size()) {
      row_.push_back(what);
      return;
    }
    heap_.push_back(what);
    std::push_heap(heap_.begin(), heap_.end(), is_later);
  }

  void pop_row() noexcept {
    ++first_;
    compact();
  }

  void compact() noexcept {
    // What has gone from the front is at least as much as what moves.
    if (first_ >= slack && first_ >= row_.size() - first_) {
      row_.erase(row_.begin(), row_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }

  template <class IsGone>
  [[gnu::noinline]] void make_room(std::size_t live, IsGone is_gone) {
    const auto most = 2 * live + slack;
    const auto held = [&] { return row_.size() - first_ + heap_.size(); };
    if (held() >= most)
      purge(is_gone);
    room_ = most - std::min(held(), most - 1);
  }

  template <class IsGone>
  void purge(IsGone is_gone) {
    row_.erase(row_.begin(), row_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
    std::erase_if(row_, is_gone);
    std::erase_if(heap_, is_gone);
    std::make_heap(heap_.begin(), heap_.end(), is_later);
  }

  std::vector<item> row_;
  /// The first of `row_` that is still in it.
  std::size_t first_ = 0;
  std::vector<item> heap_;
  /// So many may be put in before it is looked whether those that are gone are the greater part.
  std::size_t room_ = 0;
};

} // namespace weir
