// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which questions' deadlines pass next. A heap from which nothing is taken out but at its top: an answered
/// question's deadline stays until it gets there, or until such ones are the greater part and go together.
/// So a question costs constant time where deadlines grow, and an expiry the logarithm of their number,
/// however many pass. Part of a `pool_client`, on its thread. tests/clients/pool_client_test.cpp.

#include "weir/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <vector>

namespace weir {

class deadline_heap {
public:
  /// The deadline of what is in a slot, as long as that has this generation.
  struct item {
    time_point due;
    std::uint32_t slot;
    std::uint32_t generation;
  };

  bool empty() const noexcept { return items_.empty(); }

  /// Never later than the earliest deadline of what is still there; `time_point::max()` where there is none.
  time_point next() const noexcept {
    return items_.empty() ? time_point::max() : items_.front().due;
  }

  /// `live`: how many questions there are; `is_gone(item)`: whether its question is over.
  template <class IsGone>
  void push(const item& what, std::size_t live, IsGone is_gone) {
    if (items_.size() >= 2 * live + slack) {
      std::erase_if(items_, is_gone);
      std::make_heap(items_.begin(), items_.end(), is_later);
    }
    items_.push_back(what);
    std::push_heap(items_.begin(), items_.end(), is_later);
  }

  /// The top. Only where it is not empty.
  const item& top() const noexcept { return items_.front(); }

  void pop() noexcept {
    std::pop_heap(items_.begin(), items_.end(), is_later);
    items_.pop_back();
  }

  /// Keeps the memory.
  void clear() noexcept { items_.clear(); }

private:
  static constexpr std::size_t slack = 64;

  static bool is_later(const item& a, const item& b) noexcept {
    return std::tie(a.due, a.slot) > std::tie(b.due, b.slot);
  }

  std::vector<item> items_;
};

} // namespace weir
