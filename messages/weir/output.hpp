// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a stage puts what leaves it. *Emitted* means placed in a batch that the receiver's credit
/// already covers, so there is room or there is not, and a stage asks before it emits. Owned by the
/// stage's shell, used on the stage's thread alone. No virtual call a record: only where a batch is full.

#include "weir/batch.hpp"

#include <cstdint>
#include <utility>

namespace weir {

/// One output of a stage.
class output {
public:
  virtual ~output() = default;

  output(const output&) = delete;
  output& operator=(const output&) = delete;

  /// Whether a record (and all its results) may be emitted now. One record's results may overdraw
  /// the credit once.
  bool has_room() const noexcept { return records_left_ > 0 && bytes_left_ > 0; }

  /// How many records and bytes may be emitted before there is to be asked for room again. For who
  /// stages what it emits.
  std::int64_t records_left() const noexcept { return records_left_; }
  std::int64_t bytes_left() const noexcept { return bytes_left_; }

  /// Emits one record. Only where there is room. `T` must be the type of this output's records.
  template <class T>
  [[gnu::always_inline]] void emit(T what, event_time timestamp, const origin& from) {
    add(std::move(what), timestamp, from);
    settle();
  }

  /// Emits one of several results of a record; after the last of them comes `settle()`. They stay
  /// together: no batch is handed over in between.
  template <class T>
  [[gnu::always_inline]] void add(T what, event_time timestamp, const origin& from) {
    auto& open = static_cast<batch<T>&>(*open_);
    if constexpr (has_fixed_size_v<T>) {
      open.append(std::move(what), timestamp, from);
      bytes_left_ -= static_cast<std::int64_t>(sizeof(T));
    } else {
      const auto before = open.bytes();
      open.append(std::move(what), timestamp, from);
      bytes_left_ -= static_cast<std::int64_t>(open.bytes() - before);
    }
    --records_left_;
  }

  /// Hands the batch over if it has reached its bounds.
  void settle() {
    if (!has_room())
      turn_over();
  }

  /// Emits a control element to every receiver of this output. Needs no room. A barrier goes at once, as
  /// the last element of its batch.
  virtual void emit(const control& what) = 0;

protected:
  output() = default;

  /// `open_` has reached its bounds or its credit is used up: hand it over and set `open_`,
  /// `records_left_` and `bytes_left_` anew (the latter to 0 or less where there is no credit).
  virtual void turn_over() = 0;

  /// The batch that is being filled; never null.
  batch_base* open_ = nullptr;
  /// What may still be put into `open_`: the less of the batch's bounds and the receiver's credit.
  std::int64_t records_left_ = 0;
  std::int64_t bytes_left_ = 0;
};

} // namespace weir
