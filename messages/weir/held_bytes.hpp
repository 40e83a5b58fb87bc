// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How much memory a value holds, for every bound that is in bytes (batches, credit, the operator's
/// `capacity_bytes`). A type of your own that owns memory says so with a free function
/// `std::size_t held_bytes(const T&)` in its own namespace. Pure functions; any thread.

#include <concepts>
#include <cstddef>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

template <class T>
concept has_held_bytes = requires(const T& x) {
  { held_bytes(x) } -> std::convertible_to<std::size_t>;
};

template <class T>
struct size_of_value {
  static std::size_t of(const T& x) {
    if constexpr (has_held_bytes<T>)
      return held_bytes(x);
    else
      return sizeof(T);
  }
};

template <>
struct size_of_value<std::string> {
  static std::size_t of(const std::string& x) {
    return sizeof(x) + (x.capacity() > 15 ? x.capacity() : 0);
  }
};

template <class A, class B>
struct size_of_value<std::pair<A, B>> {
  static std::size_t of(const std::pair<A, B>& x) {
    return size_of_value<A>::of(x.first) + size_of_value<B>::of(x.second);
  }
};

template <class T>
struct size_of_value<std::optional<T>> {
  static std::size_t of(const std::optional<T>& x) {
    return sizeof(x) + (x ? size_of_value<T>::of(*x) - sizeof(T) : 0);
  }
};

template <class T>
struct size_of_value<std::vector<T>> {
  static std::size_t of(const std::vector<T>& x) {
    std::size_t sum = sizeof(x);
    for (const auto& element : x)
      sum += size_of_value<T>::of(element);
    return sum;
  }
};

} // namespace detail

/// Whether every value of the type holds the same number of bytes, so that nothing need be counted.
template <class T>
inline constexpr bool has_fixed_size_v = std::is_trivially_copyable_v<T> && !detail::has_held_bytes<T>;

/// Bytes of memory that `x` holds, itself included.
template <class T>
std::size_t value_bytes(const T& x) {
  if constexpr (has_fixed_size_v<T>)
    return sizeof(T);
  else
    return detail::size_of_value<T>::of(x);
}

} // namespace weir
