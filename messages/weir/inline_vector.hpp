// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A vector that keeps its first `N` elements inside itself: for lists that mostly have one element and cross
/// threads, where memory from the heap would be taken on one and given back on the other for each. What
/// `std::vector` does it does alike, in small: elements lie one behind the other, and references hold until it
/// grows, is moved from or is destroyed. Not thread-safe. tests/messages/inline_vector_test.cpp.

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace weir {

/// How an element is brought to another place and leaves none behind, and how it ends. A type for which these are dear, and
/// mostly need not be, has a specialisation.
template <class T>
struct relocation {
  static void apply(T& from, void* to) noexcept {
    ::new (to) T(std::move(from));
    std::destroy_at(&from);
  }
  static void destroy(T& what) noexcept { std::destroy_at(&what); }
};

template <class T, std::uint32_t N>
class inline_vector {
  static_assert(N > 0 && std::is_nothrow_move_constructible_v<T>, "elements move when it grows or is moved");

public:
  using value_type = T;
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using const_reference = const T&;
  using iterator = T*;
  using const_iterator = const T*;

  inline_vector() noexcept {}
  inline_vector(std::initializer_list<T> elements) : inline_vector(elements.begin(), elements.end()) {}

  template <std::forward_iterator From>
  inline_vector(From first, From last) {
    fill(first, last);
  }

  inline_vector(const inline_vector& other) { fill(other.begin(), other.end()); }
  inline_vector(inline_vector&& other) noexcept { take(other); }

  inline_vector& operator=(const inline_vector& other) {
    if (this != &other)
      *this = inline_vector{other};
    return *this;
  }
  inline_vector& operator=(inline_vector&& other) noexcept {
    if (this != &other) {
      destroy();
      take(other);
    }
    return *this;
  }

  ~inline_vector() { destroy(); }

  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  bool empty() const noexcept { return size_ == 0; }

  T* data() noexcept { return is_inside() ? inside() : heap_; }
  const T* data() const noexcept { return const_cast<inline_vector*>(this)->data(); }
  T* begin() noexcept { return data(); }
  T* end() noexcept { return data() + size_; }
  const T* begin() const noexcept { return data(); }
  const T* end() const noexcept { return data() + size_; }

  T& operator[](std::size_t i) noexcept {
    assert(i < size_);
    return data()[i];
  }
  const T& operator[](std::size_t i) const noexcept {
    assert(i < size_);
    return data()[i];
  }
  /// Throws std::out_of_range.
  const T& at(std::size_t i) const {
    if (i >= size_)
      throw std::out_of_range("inline_vector: there is no element at this place");
    return data()[i];
  }
  T& back() noexcept { return (*this)[size_ - 1]; }

  /// Throws std::length_error beyond 2^32 - 1.
  void reserve(std::size_t capacity) {
    if (capacity > capacity_)
      grow(capacity);
  }

  template <class... Ts>
  T& emplace_back(Ts&&... with) {
    if (size_ < capacity_) {
      auto* const made = ::new (static_cast<void*>(data() + size_)) T(std::forward<Ts>(with)...);
      ++size_;
      return *made;
    }
    // It may be made of an element.
    T made(std::forward<Ts>(with)...);
    grow(std::size_t{2} * capacity_);
    return emplace_back(std::move(made));
  }
  void push_back(const T& x) { emplace_back(x); }
  void push_back(T&& x) { emplace_back(std::move(x)); }

  /// Keeps the memory.
  void clear() noexcept {
    for (auto& each : *this)
      relocation<T>::destroy(each);
    size_ = 0;
  }

  friend bool operator==(const inline_vector& a, const inline_vector& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  bool is_inside() const noexcept { return capacity_ == N; }
  T* inside() noexcept { return std::launder(reinterpret_cast<T*>(place_)); }

  template <class From>
  void fill(From first, From last) {
    try {
      reserve(static_cast<std::size_t>(std::distance(first, last)));
      for (; first != last; ++first)
        emplace_back(*first);
    } catch (...) {
      destroy();
      throw;
    }
  }

  /// Of one that has nothing.
  void take(inline_vector& other) noexcept {
    if (other.is_inside()) {
      size_ = std::exchange(other.size_, 0);
      for (std::uint32_t i = 0; i < size_; ++i)
        relocation<T>::apply(other.inside()[i], inside() + i);
    } else {
      heap_ = other.heap_;
      size_ = std::exchange(other.size_, 0);
      capacity_ = std::exchange(other.capacity_, N);
    }
  }

  void grow(std::size_t capacity) {
    if (capacity > std::numeric_limits<std::uint32_t>::max())
      throw std::length_error("inline_vector: too many elements");
    auto* const larger = std::allocator<T>{}.allocate(capacity);
    std::uninitialized_move(begin(), end(), larger);
    const auto size = size_;
    destroy();
    heap_ = larger;
    size_ = size;
    capacity_ = static_cast<std::uint32_t>(capacity);
  }

  /// Has nothing afterwards.
  void destroy() noexcept {
    clear();
    if (!is_inside()) [[unlikely]] {
      std::allocator<T>{}.deallocate(heap_, capacity_);
      capacity_ = N;
    }
  }

  union {
    T* heap_;
    alignas(T) std::byte place_[N * sizeof(T)];
  };
  std::uint32_t size_ = 0;
  /// `N`: they are inside.
  std::uint32_t capacity_ = N;
};

} // namespace weir
