// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a stage's state becomes bytes at a barrier: a row of blocks of 64 KiB, each with room in
/// front for what its file says about it, so that the same memory is written to the disk. A state
/// is filled by its stage's thread, moved to the store's thread, and gives its blocks back there,
/// to a pool that all instances of a job share. So a checkpoint needs no memory that the two before
/// it have had. tests/serialization/state_blocks_test.cpp.

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

namespace weir {

inline constexpr std::size_t block_bytes = 64 * 1024;
inline constexpr std::size_t block_header_bytes = 16;
inline constexpr std::size_t block_payload_bytes = block_bytes - block_header_bytes;

/// Blocks that are not in use. It never refuses, since a barrier waits for nothing: what bounds the
/// memory is how many states there are. New memory costs a fault a page, in front of which a stream
/// stands; so it keeps what states need again and again, and not what one large state has needed
/// once. Thread-safe.
class block_pool {
public:
  /// It keeps this many in any case; more, when none is in use any more, where so many were in use
  /// since then and in the time before that.
  static constexpr std::size_t kept_min = 256;

  block_pool() = default;
  ~block_pool();
  block_pool(const block_pool&) = delete;
  block_pool& operator=(const block_pool&) = delete;

  /// A block of `block_bytes`, whatever it holds; the caller's until it is given back.
  /// std::bad_alloc.
  std::byte* take();
  void give_back(std::byte* block) noexcept;

  /// How many lie here.
  std::size_t kept() const;

private:
  std::byte* take_kept();
  void forget_taken() noexcept;
  void shrink() noexcept;

  mutable std::mutex mutex_;
  /// Has room for all that there are, so that giving back never allocates.
  std::vector<std::byte*> free_;
  std::size_t in_use_ = 0;
  /// The most that were in use at once since none was.
  std::size_t peak_ = 0;
  std::size_t peak_before_ = 0;
};

/// Bytes in blocks, all full but the last. One owner, one thread at a time; empty when moved from.
class state_blocks {
public:
  explicit state_blocks(std::shared_ptr<block_pool> pool) noexcept : pool_(std::move(pool)) {}
  ~state_blocks() { clear(); }
  state_blocks(state_blocks&& other) noexcept
    : pool_(other.pool_),
      blocks_(std::exchange(other.blocks_, {})),
      last_size_(std::exchange(other.last_size_, 0)) {}
  state_blocks& operator=(state_blocks&& other) noexcept;

  // -- filling --

  /// Room behind what is there, at least one byte: the rest of the last block, or a new one.
  /// std::bad_alloc.
  std::span<std::byte> room();
  /// `size` bytes of the room have been filled.
  void filled(std::size_t size) noexcept { last_size_ += size; }

  // -- what is there --

  /// Payload bytes.
  std::size_t size() const noexcept {
    return blocks_.empty() ? 0 : (blocks_.size() - 1) * block_payload_bytes + last_size_;
  }
  std::size_t count() const noexcept { return blocks_.size(); }
  /// Block `i` with the room in front of its payload.
  std::span<std::byte> block(std::size_t i) noexcept {
    return {blocks_[i], block_header_bytes + payload_size(i)};
  }
  std::span<const std::byte> payload(std::size_t i) const noexcept {
    return {blocks_[i] + block_header_bytes, payload_size(i)};
  }
  /// All payloads, in order; valid while nothing is filled.
  std::vector<std::span<const std::byte>> payloads() const;

  /// Gives the blocks back.
  void clear() noexcept;

private:
  std::size_t payload_size(std::size_t i) const noexcept {
    return i + 1 < blocks_.size() ? block_payload_bytes : last_size_;
  }

  std::shared_ptr<block_pool> pool_;
  std::vector<std::byte*> blocks_;
  std::size_t last_size_ = 0;
};

} // namespace weir
