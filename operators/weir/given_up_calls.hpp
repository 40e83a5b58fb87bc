// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lets a call find out, from any thread and without a lock, that its record has timed out. It keeps, for each
/// slot of the operator's table, when that last happened: a call whose deadline is not after that has been
/// given up, and the slot's next record, which came later, has a later deadline. So records that do not time
/// out cost nothing.

#include "weir/slot_index.hpp"
#include "weir/time.hpp"

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <memory>

namespace weir {

class given_up_calls {
public:
  given_up_calls() = default;
  given_up_calls(const given_up_calls&) = delete;
  given_up_calls& operator=(const given_up_calls&) = delete;
  ~given_up_calls() {
    for (auto& chunk : chunks_)
      delete[] chunk.load(std::memory_order_relaxed);
  }

  /// The record in this slot, whose timeout has passed, is over while its call runs. On the operator's thread.
  void give_up(slot_index slot, time_point now) {
    const auto in = chunk_of(slot);
    auto* chunk = chunks_[in].load(std::memory_order_relaxed);
    if (chunk == nullptr) {
      chunk = new_chunk(chunk_size(in));
      chunks_[in].store(chunk, std::memory_order_release);
    }
    chunk[slot - chunk_begin(in)].store(now, std::memory_order_relaxed);
  }

  /// Whether that has happened to the record with this deadline. Any thread.
  bool has(slot_index slot, time_point deadline) const noexcept {
    const auto in = chunk_of(slot);
    const auto* chunk = chunks_[in].load(std::memory_order_acquire);
    return chunk != nullptr
           && deadline <= chunk[slot - chunk_begin(in)].load(std::memory_order_relaxed);
  }

private:
  using times = std::atomic<time_point>;

  // Chunks stay where they are, for threads that read them: of 64 slots, 64, 128, 256 and so on.
  static constexpr std::size_t first_size = 64;
  static constexpr std::size_t chunks_max = 27;

  static std::size_t chunk_of(slot_index slot) noexcept {
    return static_cast<std::size_t>(std::bit_width(slot / first_size));
  }
  static std::size_t chunk_begin(std::size_t chunk) noexcept {
    return chunk == 0 ? 0 : first_size << (chunk - 1);
  }
  static std::size_t chunk_size(std::size_t chunk) noexcept {
    return chunk == 0 ? first_size : chunk_begin(chunk);
  }

  static times* new_chunk(std::size_t size) {
    auto made = std::make_unique<times[]>(size);
    for (std::size_t i = 0; i < size; ++i)
      made[i].store(time_point::min(), std::memory_order_relaxed);
    return made.release();
  }

  std::array<std::atomic<times*>, chunks_max> chunks_{};
};

} // namespace weir
