// SPDX-License-Identifier: Apache-2.0

#include "allocations.hpp"

#include <algorithm>
#include <cstdlib>
#include <malloc.h>
#include <new>
#include <utility>

namespace {

thread_local std::size_t count = 0;
thread_local std::ptrdiff_t bytes = 0;
thread_local std::ptrdiff_t bytes_max = 0;
thread_local std::size_t left_until_failure = 0;
thread_local bool has_failed = false;

void* counted(std::size_t size) noexcept {
  if (left_until_failure > 0 && --left_until_failure == 0) {
    has_failed = true;
    return nullptr;
  }
  ++count;
  void* const p = std::malloc(size == 0 ? 1 : size);
  bytes += static_cast<std::ptrdiff_t>(malloc_usable_size(p));
  bytes_max = std::max(bytes_max, bytes);
  return p;
}

void freed(void* p) noexcept {
  bytes -= static_cast<std::ptrdiff_t>(malloc_usable_size(p));
  std::free(p);
}

} // namespace

namespace weir::testing {

std::size_t allocations() noexcept {
  return count;
}

std::ptrdiff_t allocated_bytes() noexcept {
  return bytes;
}

std::ptrdiff_t most_allocated_bytes() noexcept {
  return std::exchange(bytes_max, bytes);
}

void fail_allocation(std::size_t n) noexcept {
  left_until_failure = n;
  has_failed = false;
}

bool allocation_has_failed() noexcept {
  return has_failed;
}

} // namespace weir::testing

// Not inlined: else the compiler sees only one half of a pair and warns of a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
  if (void* const p = counted(size))
    return p;
  throw std::bad_alloc{};
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
  return operator new(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return counted(size);
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
  freed(p);
}
[[gnu::noinline]] void operator delete[](void* p) noexcept {
  freed(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
  freed(p);
}
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept {
  freed(p);
}
