// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Whether the records of a type can be copied, which only an output with several consumers needs.
/// `std::is_copy_constructible` says of a vector of `unique_ptr` that it can, and so of a record that
/// has one; the compiler then finds otherwise inside the library. Such a type of your own says so:
///
///     template <> inline constexpr bool weir::is_copyable_v<my_record> = false;
///
/// Constants, without state. tests/messages/batch_test.cpp.

#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

template <class T>
inline constexpr bool is_copyable_v = std::is_copy_constructible_v<T>;

template <class T>
inline constexpr bool is_copyable_v<std::vector<T>> = is_copyable_v<T>;

template <class T>
inline constexpr bool is_copyable_v<std::optional<T>> = is_copyable_v<T>;

template <class A, class B>
inline constexpr bool is_copyable_v<std::pair<A, B>> = is_copyable_v<A> && is_copyable_v<B>;

template <class T>
struct dead_letter;

template <class T>
inline constexpr bool is_copyable_v<dead_letter<T>> = is_copyable_v<T>;

} // namespace weir
