// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A number that one actor counts up and anybody reads at any time, without a lock: a load and a store.

#include <atomic>
#include <cstdint>

namespace weir {

/// A counter with one writer at a time and any number of readers. The writers must be ordered by
/// something else (an actor's mailbox does it).
class counter {
public:
  void add(std::uint64_t n) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

} // namespace weir
