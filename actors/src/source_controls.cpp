// SPDX-License-Identifier: Apache-2.0
#include "source_controls.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace weir {

namespace {

/// So that adding it to a time does not overflow; nobody waits longer.
constexpr duration interval_max = duration::max() / 4;

/// `at`, less `late` and 1 ms; `none()` where there is no such time.
event_time behind(event_time at, duration late) noexcept {
  const auto distance = std::chrono::duration_cast<std::chrono::milliseconds>(late).count() + 1;
  constexpr auto first = std::numeric_limits<std::int64_t>::min() + 1;
  return at.has_value() && at.ms() >= first + distance ? event_time{at.ms() - distance}
                                                       : event_time::none();
}

} // namespace

void source_controls::after_poll(time_point now) {
  if (!how_.enabled)
    return;
  newest_ = std::max(newest_, records_.take_newest());
  tick(now);
}

void source_controls::tick(time_point now) {
  if (now < next_watermark_ || !news().has_value())
    return;
  make_watermark();
  next_watermark_ = now + std::min(how_.interval, interval_max);
}

void source_controls::end(time_point) {
  if (news().has_value())
    make_watermark();
  emit(control::end());
}

time_point source_controls::next_due() const noexcept {
  return news().has_value() ? next_watermark_ : time_point::max();
}

event_time source_controls::news() const noexcept {
  if (!how_.enabled)
    return event_time::none();
  const auto at = behind(newest_, how_.max_out_of_orderness);
  return at > last_watermark_ ? at : event_time::none();
}

void source_controls::make_watermark() {
  last_watermark_ = news();
  emit(control::watermark(last_watermark_));
}

void source_controls::emit(const control& what) {
  records_.emit(what);
  if (dead_letters_ != nullptr)
    dead_letters_->emit(what);
}

} // namespace weir
