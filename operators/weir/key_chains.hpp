// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The records of each key, in arrival order, from their coming until they have left: who may be called
/// (the first that is not finished) and who may leave (the first). A hash table of chains through the
/// slots. Part of the deterministic machine: no allocation once grown, not thread-safe.
/// tests/operators/key_chains_test.cpp.

#include "weir/key_hash.hpp"
#include "weir/slot_index.hpp"
#include "weir/splitmix64.hpp"

#include <cstddef>
#include <vector>

namespace weir {

class key_chains {
public:
  /// Room for so many slots.
  void grow(std::size_t slots) {
    links_.resize(slots);
    std::vector<chain> smaller(2 * slots);
    smaller.swap(chains_);
    for (const auto& each : smaller)
      if (each.first != no_slot)
        chains_[place_of(each.key)] = each;
  }

  /// Whether no record of this key is unfinished, so that the next one may be called at once.
  bool is_free(key_hash key) const noexcept {
    return chains_.empty() || chains_[place_of(key)].unfinished == no_slot;
  }

  /// Whether no record of this key is here.
  bool is_absent(key_hash key) const noexcept {
    return chains_.empty() || chains_[place_of(key)].first == no_slot;
  }

  /// Puts an unfinished record behind those of its key.
  void push(slot_index slot, key_hash key) {
    auto& of = chains_[place_of(key)];
    links_[slot] = {key, no_slot, false};
    if (of.first == no_slot)
      of = {key, slot, slot, no_slot};
    else
      links_[of.last].next = slot;
    of.last = slot;
    if (of.unfinished == no_slot)
      of.unfinished = slot;
  }

  /// Whether the record may be called: all earlier ones of its key are finished.
  bool may_be_called(slot_index slot) const noexcept {
    return chains_[place_of(links_[slot].key)].unfinished == slot;
  }

  /// The record is finished. The next of its key that may now be called, or `no_slot`.
  slot_index finish(slot_index slot) noexcept {
    links_[slot].finished = true;
    auto& of = chains_[place_of(links_[slot].key)];
    if (of.unfinished != slot)
      return no_slot;
    while (of.unfinished != no_slot && links_[of.unfinished].finished)
      of.unfinished = links_[of.unfinished].next;
    return of.unfinished;
  }

  /// Whether all earlier ones of its key have left.
  bool is_first(slot_index slot) const noexcept {
    return chains_[place_of(links_[slot].key)].first == slot;
  }

  /// The record, which is finished and the first of its key, has left. The one that is the first now if
  /// that is finished too, else `no_slot`.
  slot_index pop(slot_index slot) noexcept {
    const auto place = place_of(links_[slot].key);
    auto& of = chains_[place];
    of.first = links_[slot].next;
    if (of.first == no_slot) {
      remove(place);
      return no_slot;
    }
    return links_[of.first].finished ? of.first : no_slot;
  }

private:
  struct link {
    key_hash key = 0;
    slot_index next = no_slot;
    bool finished = false;
  };

  struct chain {
    key_hash key = 0;
    slot_index first = no_slot;
    slot_index last = no_slot;
    /// The first that is not finished.
    slot_index unfinished = no_slot;
  };

  std::size_t home_of(key_hash key) const noexcept {
    return splitmix64(key) & (chains_.size() - 1);
  }

  /// Where the key's chain is, or would be put. There is always a free place: the table has twice as
  /// many as there are slots.
  std::size_t place_of(key_hash key) const noexcept {
    auto place = home_of(key);
    while (chains_[place].first != no_slot && chains_[place].key != key)
      place = (place + 1) & (chains_.size() - 1);
    return place;
  }

  /// Empties a place and moves up those behind it that would not be found across the gap.
  void remove(std::size_t gap) noexcept {
    const auto mask = chains_.size() - 1;
    for (auto at = (gap + 1) & mask; chains_[at].first != no_slot; at = (at + 1) & mask) {
      const auto home = home_of(chains_[at].key);
      if (((at - home) & mask) < ((at - gap) & mask))
        continue;
      chains_[gap] = chains_[at];
      gap = at;
    }
    chains_[gap] = {};
  }

  std::vector<link> links_;
  /// Its size is a power of two.
  std::vector<chain> chains_;
};

} // namespace weir
