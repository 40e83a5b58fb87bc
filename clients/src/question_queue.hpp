// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Questions in the order of their arrival, in memory that is used again. Not thread-safe.

#include "weir/question.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace weir::detail {

/// A ring that doubles when it is full; whoever fills it bounds it.
class question_queue {
public:
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

  /// The `i`th from the front.
  question& operator[](std::size_t i) noexcept { return ring_[(first_ + i) & (ring_.size() - 1)]; }

  void push_back(question&& q) {
    make_room();
    ++size_;
    (*this)[size_ - 1] = std::move(q);
  }

  void push_front(question&& q) {
    make_room();
    first_ = (first_ - 1) & (ring_.size() - 1);
    ++size_;
    (*this)[0] = std::move(q);
  }

  /// Must not be empty.
  question pop_front() {
    auto q = std::move((*this)[0]);
    first_ = (first_ + 1) & (ring_.size() - 1);
    --size_;
    return q;
  }

  /// Takes out what has one of `tokens`, which must be sorted, and appends their tokens to `removed`.
  void remove(std::span<const call_token> tokens, std::vector<call_token>& removed) {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < size_; ++i) {
      auto& q = (*this)[i];
      if (std::binary_search(tokens.begin(), tokens.end(), q.token)) {
        removed.push_back(q.token);
        q.arguments = {};
      } else if (kept++ != i) {
        (*this)[kept - 1] = std::move(q);
      }
    }
    size_ = kept;
  }

  void clear() noexcept {
    ring_.clear();
    first_ = size_ = 0;
  }

private:
  void make_room() {
    if (size_ < ring_.size())
      return;
    std::vector<question> larger(std::max<std::size_t>(64, ring_.size() * 2));
    for (std::size_t i = 0; i < size_; ++i)
      larger[i] = std::move((*this)[i]);
    ring_ = std::move(larger);
    first_ = 0;
  }

  /// Its size is 0 or a power of two.
  std::vector<question> ring_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

} // namespace weir::detail
