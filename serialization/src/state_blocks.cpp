// SPDX-License-Identifier: Apache-2.0

#include "weir/state_blocks.hpp"

#include <new>

namespace weir {

block_pool::~block_pool() {
  for (auto* each : free_)
    ::operator delete(each);
}

std::byte* block_pool::take() {
  {
    const std::lock_guard guard{mutex_};
    if (!free_.empty()) {
      auto* block = free_.back();
      free_.pop_back();
      return block;
    }
    // So that giving back never allocates.
    free_.reserve(kept_max);
  }
  return static_cast<std::byte*>(::operator new(block_bytes));
}

void block_pool::give_back(std::byte* block) noexcept {
  {
    const std::lock_guard guard{mutex_};
    if (free_.size() < kept_max) {
      free_.push_back(block);
      return;
    }
  }
  ::operator delete(block);
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
