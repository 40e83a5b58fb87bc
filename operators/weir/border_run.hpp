// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where borders take no capacity, something else must bound them: the borders that have come since the last
/// record, of which some are merged when there are too many. None passes another by that; each watermark that
/// is left stands behind the status behind which it came; and the newest of both kinds are left. A part of
/// the deterministic machine: not thread-safe. tests/operators/operator_key_order_test.cpp.

#include "weir/control.hpp"
#include "weir/slot_index.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace weir {

class border_run {
public:
  /// So many watermarks, and so many statuses, are kept apart. Behind them a watermark is merged into the
  /// next, and a status into one that comes directly behind it: since watermarks may stand between them, there
  /// may be one status more.
  static constexpr std::size_t kept_max = 1000;

  /// A border comes, when so many records have. Whether there is no place for it of its own: then it is in the
  /// last of the run's slots, and those before it have moved up by one. `borders` has the border of each slot.
  bool merge(const control& what, std::uint64_t records, std::vector<control>& borders) {
    if (std::exchange(behind_, records) != records)
      clear();
    const bool is_watermark = what.kind() == control_kind::watermark;
    if ((is_watermark ? watermarks_ : statuses_) < kept_max)
      return false;
    const auto gone = is_watermark ? last_watermark(borders) : last_replaced_status(borders);
    if (!gone)
      return false;
    for (auto i = *gone; i + 1 < slots_.size(); ++i)
      borders[slots_[i]] = borders[slots_[i + 1]];
    borders[slots_.back()] = what;
    return true;
  }

  /// One that was not merged has got a slot.
  void push(slot_index slot, const control& what) {
    slots_.push_back(slot);
    ++(what.kind() == control_kind::watermark ? watermarks_ : statuses_);
  }

  /// A record has come.
  void clear() noexcept {
    slots_.clear();
    watermarks_ = 0;
    statuses_ = 0;
  }

private:
  std::optional<std::size_t> last_watermark(const std::vector<control>& borders) const {
    for (auto i = slots_.size(); i-- > 0;)
      if (borders[slots_[i]].kind() == control_kind::watermark)
        return i;
    return std::nullopt;
  }

  /// The last that stands directly before another, also before the one that comes.
  std::optional<std::size_t> last_replaced_status(const std::vector<control>& borders) const {
    bool before_status = true;
    for (auto i = slots_.size(); i-- > 0;) {
      const bool is_status = borders[slots_[i]].kind() != control_kind::watermark;
      if (is_status && before_status)
        return i;
      before_status = is_status;
    }
    return std::nullopt;
  }

  /// In the order of the queue. They leave all at once, when nothing stands before them any more.
  std::vector<slot_index> slots_;
  std::size_t watermarks_ = 0;
  std::size_t statuses_ = 0;
  std::uint64_t behind_ = 0;
};

} // namespace weir
