// SPDX-License-Identifier: Apache-2.0
#include "weir/source_body.hpp"

#include <algorithm>
#include <chrono>

namespace weir {

event_time watermark_generator::after(event_time newest, time_point now) noexcept {
  if (!how_.enabled || !newest.has_value())
    return event_time::none();
  newest_ = std::max(newest_, newest);
  const auto late
    = std::chrono::duration_cast<std::chrono::milliseconds>(how_.max_out_of_orderness).count();
  const event_time at{newest_.ms() - late - 1};
  if (now < next_ || at <= last_)
    return event_time::none();
  next_ = now + how_.interval;
  last_ = at;
  return at;
}

} // namespace weir
