// SPDX-License-Identifier: Apache-2.0
#include "lane.hpp"

#include "batch_credit.hpp"

#include <utility>

namespace weir {

namespace {

/// Empty batches that a lane keeps; a receiver that stood still gives back many small ones at once.
constexpr std::size_t spares_max = 8;

bool is_watermark(const control& of) noexcept {
  return of.kind() == control_kind::watermark;
}

/// Appends a border to a batch that is full of control elements: of the borders at its end stay the newest
/// watermark and the newest status.
void append_merged(batch_base& to, const control& what) {
  const auto& all = to.controls();
  const auto replaces = [&](std::size_t from_end) {
    if (from_end > all.size())
      return false;
    const auto& [before, there] = all[all.size() - from_end];
    return before == to.records() && there.is_border() && is_watermark(there) == is_watermark(what);
  };
  if (replaces(1)) {
    to.replace_last_control(what);
  } else if (replaces(2) && all.back().what.is_border()) {
    const auto last = all.back().what;
    to.remove_last_control();
    to.replace_last_control(last);
    to.append(what);
  } else {
    to.append(what);
  }
}

} // namespace

void lane::grant(const credit& more, std::shared_ptr<batch_base> empty) {
  left.records += more.records;
  left.bytes += more.bytes;
  // The first grant gives nothing back.
  under_way = std::max<std::int64_t>(under_way - more.records, 0);
  if (empty != nullptr && spare.size() < spares_max && !is_oversized(*empty, limits))
    spare.push_back(std::move(empty));
}

void lane::spend(const credit& used) noexcept {
  left.records -= used.records;
  left.bytes -= used.bytes;
  under_way += used.records;
}

void lane::append(const control& what) {
  if (!has_place_for(what) && !has_credit())
    append_merged(*open, what);
  else
    open->append(what);
  urgent = urgent || !what.is_border();
}

std::shared_ptr<batch_base> lane::turn_over() {
  urgent = false;
  spend({credit_of(*open).records - static_cast<std::int64_t>(open->records()), 0});
  std::shared_ptr<batch_base> next;
  if (spare.empty()) {
    next = open->fresh();
  } else {
    next = std::move(spare.back());
    spare.pop_back();
  }
  std::swap(open, next);
  next->come_from_input(target.input);
  return next;
}

} // namespace weir
