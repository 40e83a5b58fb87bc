// SPDX-License-Identifier: Apache-2.0
#include "lane.hpp"

#include "batch_credit.hpp"

#include <utility>

namespace weir {

namespace {

/// Empty batches that a lane keeps; a receiver that stood still gives back many small ones at once.
constexpr std::size_t spares_max = 8;
/// Control elements that an open batch without credit holds before watermarks are merged.
constexpr std::size_t controls_max = 1000;

} // namespace

void lane::grant(const credit& more, std::shared_ptr<batch_base> empty) {
  left.records += more.records;
  left.bytes += more.bytes;
  if (empty != nullptr && spare.size() < spares_max)
    spare.push_back(std::move(empty));
}

void lane::append(const control& what) {
  const auto& controls = open->controls();
  if (!has_credit() && controls.size() >= controls_max && what.kind() == control_kind::watermark
      && controls.back().what.kind() == control_kind::watermark
      && controls.back().before == open->records())
    open->replace_last_control(what);
  else
    open->append(what);
  urgent = urgent || !what.is_border();
}

std::shared_ptr<batch_base> lane::turn_over() {
  urgent = false;
  left.records -= credit_of(*open).records - static_cast<std::int64_t>(open->records());
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
