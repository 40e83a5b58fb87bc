// SPDX-License-Identifier: Apache-2.0
#include "counted_allocations.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

// Nothing is added in one step, which would lock the bus: one thread allocates, and what others add meanwhile may be
// lost.
std::atomic<std::uint64_t> asked_for{0};

void* counted(void* memory) {
  asked_for.store(asked_for.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  if (memory == nullptr)
    throw std::bad_alloc{};
  return memory;
}

} // namespace

namespace bench {

std::uint64_t allocations() noexcept {
  return asked_for.load(std::memory_order_relaxed);
}

} // namespace bench

// The standard library's other forms call these.

void* operator new(std::size_t bytes) {
  return counted(std::malloc(bytes > 0 ? bytes : 1));
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto multiple_of = static_cast<std::size_t>(alignment);
  return counted(std::aligned_alloc(multiple_of, (bytes + multiple_of - 1) / multiple_of * multiple_of));
}

void operator delete(void* memory) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}

void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}
