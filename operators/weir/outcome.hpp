// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a call came to, on its way from a result future to the record's entry. Plain values; any thread.

#include "weir/call_id.hpp"
#include "weir/error.hpp"
#include "weir/held_bytes.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

/// Gives the results of a call when it is asked, on the operator's thread.
template <class Out>
using supplier = unique_function<expected<std::vector<Out>>()>;

/// Nothing, one result, several, an error, or who supplies one of these.
template <class Out>
using outcome = std::variant<std::monostate, Out, std::vector<Out>, std::unique_ptr<error>,
                             std::unique_ptr<supplier<Out>>>;

/// Which alternative of an `outcome` is which.
inline constexpr std::in_place_index_t<0> no_result{};
inline constexpr std::in_place_index_t<1> one_result{};
inline constexpr std::in_place_index_t<2> several_results{};
inline constexpr std::in_place_index_t<3> failed_outcome{};
inline constexpr std::in_place_index_t<4> supplied_outcome{};

/// The error of a failed outcome, else null.
template <class Out>
const error* error_of(const outcome<Out>& of) noexcept {
  const auto* why = std::get_if<3>(&of);
  return why == nullptr ? nullptr : why->get();
}

/// Whether it is a completion without results.
template <class Out>
bool is_empty(const outcome<Out>& of) noexcept {
  const auto* several = std::get_if<2>(&of);
  return of.index() == 0 || (several != nullptr && several->empty());
}

/// Whether a result future was destroyed without being completed.
template <class Out>
bool is_abandoned(const outcome<Out>& of) noexcept {
  const auto* why = error_of<Out>(of);
  return why != nullptr && why->is(error_kind::abandoned);
}

/// The results of a completion that is none of the others.
template <class Out>
std::span<const Out> results_of(const outcome<Out>& of) noexcept {
  if (const auto* one = std::get_if<1>(&of))
    return {one, 1};
  if (const auto* several = std::get_if<2>(&of))
    return *several;
  return {};
}

/// Bytes that the results hold.
template <class Out>
std::size_t bytes_of(const outcome<Out>& of) {
  if (const auto* one = std::get_if<1>(&of))
    return value_bytes(*one);
  if (const auto* several = std::get_if<2>(&of))
    return value_bytes(*several);
  return 0;
}

/// A completion on its way to its entry.
template <class Out>
struct completion {
  template <std::size_t I, class... Ts>
  completion(const call_id& of, std::in_place_index_t<I> which, Ts&&... parts)
    : id(of), with(which, std::forward<Ts>(parts)...) {}

  completion(const call_id& of, outcome<Out>&& what) noexcept : id(of), with(std::move(what)) {}

  call_id id;
  outcome<Out> with;
};

} // namespace weir
