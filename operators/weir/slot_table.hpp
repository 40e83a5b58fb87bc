// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The entries of one operator, each in a slot that does not move while the table grows. A slot is
/// given to the record that needs one and comes back with a new generation, so that a call id of its
/// former record is known as stale. Part of the deterministic machine: not thread-safe.

#include "weir/column.hpp"
#include "weir/slot_index.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace weir {

/// `Entry` has a field `generation`.
template <class Entry>
class slot_table {
public:
  static constexpr std::size_t chunk = 256;

  std::size_t size() const noexcept { return chunks_.size() * chunk; }

  /// A free slot, which stays free until `take()`; only where `has_free()`. The one that was freed
  /// last, since it is still in the cache.
  slot_index peek() noexcept { return free_.back(); }
  bool has_free() const noexcept { return !free_.empty(); }
  void take() noexcept { free_.pop_back(); }

  /// `of` is the slot's entry, which who releases it has at hand.
  [[gnu::always_inline]] void release(slot_index slot, Entry& of) noexcept {
    ++of.generation;
    free_.push_back(slot);
  }

  /// Doubles the table (or makes its first chunk).
  void grow() {
    const auto from = size();
    const auto more = chunks_.empty() ? 1 : chunks_.size();
    for (std::size_t i = 0; i < more; ++i)
      chunks_.push_back(std::make_unique<Entry[]>(chunk));
    for (auto slot = size(); slot > from; --slot)
      free_.push_back(static_cast<slot_index>(slot - 1));
  }

  Entry& operator[](slot_index slot) noexcept { return chunks_[slot / chunk][slot % chunk]; }
  const Entry& operator[](slot_index slot) const noexcept {
    return chunks_[slot / chunk][slot % chunk];
  }

private:
  std::vector<std::unique_ptr<Entry[]>> chunks_;
  column<slot_index> free_;
};

} // namespace weir
