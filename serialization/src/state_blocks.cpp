// SPDX-License-Identifier: Apache-2.0

#include "weir/state_blocks.hpp"

#include <algorithm>
#include <new>
#include <utility>

namespace weir {

block_pool::~block_pool() {
  for (auto* each : free_)
    ::operator delete(each);
}

std::byte* block_pool::take() {
  if (auto* const kept = take_kept())
    return kept;
  try {
    return static_cast<std::byte*>(::operator new(block_bytes));
  } catch (...) {
    forget_taken();
    throw;
  }
}

/// Null where none is kept; it counts as in use all the same.
std::byte* block_pool::take_kept() {
  const std::lock_guard guard{mutex_};
  std::byte* block = nullptr;
  if (!free_.empty()) {
    block = free_.back();
    free_.pop_back();
  } else if (free_.capacity() <= in_use_) {
    free_.reserve(std::max(kept_min, 2 * in_use_));
  }
  peak_ = std::max(peak_, ++in_use_);
  return block;
}

void block_pool::forget_taken() noexcept {
  const std::lock_guard guard{mutex_};
  --in_use_;
}

void block_pool::give_back(std::byte* block) noexcept {
  const std::lock_guard guard{mutex_};
  free_.push_back(block);
  if (--in_use_ == 0)
    shrink();
}

void block_pool::shrink() noexcept {
  const auto keep = std::max(kept_min, std::min(peak_, peak_before_));
  peak_before_ = std::exchange(peak_, 0);
  for (; free_.size() > keep; free_.pop_back())
    ::operator delete(free_.back());
}

std::size_t block_pool::kept() const {
  const std::lock_guard guard{mutex_};
  return free_.size();
}

state_blocks& state_blocks::operator=(state_blocks&& other) noexcept {
  if (this != &other) {
    clear();
    pool_ = other.pool_;
    blocks_ = std::exchange(other.blocks_, {});
    last_size_ = std::exchange(other.last_size_, 0);
  }
  return *this;
}

std::span<std::byte> state_blocks::room() {
  if (blocks_.empty() || last_size_ == block_payload_bytes) {
    if (blocks_.size() == blocks_.capacity())
      blocks_.reserve(blocks_.empty() ? 8 : 2 * blocks_.size());
    blocks_.push_back(pool_->take());
    last_size_ = 0;
  }
  return {blocks_.back() + block_header_bytes + last_size_, block_payload_bytes - last_size_};
}

std::vector<std::span<const std::byte>> state_blocks::payloads() const {
  std::vector<std::span<const std::byte>> result;
  result.reserve(blocks_.size());
  for (std::size_t i = 0; i < blocks_.size(); ++i)
    result.push_back(payload(i));
  return result;
}

void state_blocks::clear() noexcept {
  for (auto* each : blocks_)
    pool_->give_back(each);
  blocks_.clear();
  last_size_ = 0;
}

} // namespace weir
