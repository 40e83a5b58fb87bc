// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Puts the slots of a full operator in the order in which their entries arrived, in the short time that
/// a barrier has: by the digits of their numbers, whatever the order of the slots. Part of the
/// deterministic machine: no allocation once grown, not thread-safe. tests/operators/arrival_order_test.cpp.

#include "weir/slot_index.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace weir {

class arrival_order {
public:
  struct place {
    std::uint64_t arrival;
    slot_index slot;
  };

  void clear() noexcept { places_.clear(); }

  /// No two slots have one number.
  void add(std::uint64_t arrival, slot_index slot) { places_.push_back({arrival, slot}); }

  /// All that was added, in ascending order of arrival; until the next call.
  std::span<const place> in_order() {
    if (places_.size() < few)
      std::sort(places_.begin(), places_.end(),
                [](const place& a, const place& b) { return a.arrival < b.arrival; });
    else
      sort_by_digits();
    return places_;
  }

private:
  /// Below, a pass over all values of a digit costs more than it saves.
  static constexpr std::size_t few = 256;
  static constexpr unsigned digit_bits = 11;
  static constexpr std::size_t digit_values = std::size_t{1} << digit_bits;

  /// From the last digit to the first, each pass keeping the order of the one before.
  void sort_by_digits() {
    const auto [least, greatest]
      = std::minmax_element(places_.begin(), places_.end(), [](const place& a, const place& b) {
          return a.arrival < b.arrival;
        });
    const auto base = least->arrival;
    const auto range = greatest->arrival - base;
    other_.resize(places_.size());
    for (unsigned shift = 0; shift < 64 && range >> shift != 0; shift += digit_bits) {
      std::array<std::uint32_t, digit_values> at{};
      const auto digit = [&](const place& of) {
        return ((of.arrival - base) >> shift) & (digit_values - 1);
      };
      for (const auto& each : places_)
        ++at[digit(each)];
      std::uint32_t begin = 0;
      for (auto& each : at)
        begin += std::exchange(each, begin);
      for (const auto& each : places_)
        other_[at[digit(each)]++] = each;
      places_.swap(other_);
    }
  }

  std::vector<place> places_;
  std::vector<place> other_;
};

} // namespace weir
