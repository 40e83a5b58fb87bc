// SPDX-License-Identifier: Apache-2.0
#include "weir/function_context.hpp"

#include <algorithm>
#include <stdexcept>

namespace weir {

namespace {

constexpr std::size_t name_size_max = 64;

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/// What exporters take as a part of a metric's name.
bool is_counter_name(std::string_view called) noexcept {
  return !called.empty() && called.size() <= name_size_max && is_letter(called.front())
         && std::all_of(called.begin(), called.end(),
                        [](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

} // namespace

own_counter function_context::counter(std::string_view called) {
  if (!is_counter_name(called))
    throw std::invalid_argument("counter \"" + std::string{called.substr(0, name_size_max)}
                                + "\": its name must be 1 to " + std::to_string(name_size_max)
                                + " letters, digits and _, and begin with no digit");
  return own_counter{find_counter(called)};
}

} // namespace weir
