// SPDX-License-Identifier: Apache-2.0
#include "weir/channel_merger.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace weir {

void channel_merger::take(std::size_t channel, const control& what, std::vector<control>& out) {
  auto& of = channels_[channel];
  switch (what.kind()) {
    case control_kind::watermark:
      if (of.is == phase::active && what.event_time() > of.watermark) {
        of.watermark = what.event_time();
        raise(out);
      }
      break;
    case control_kind::idle:
      if (of.is == phase::active)
        leave(channel, phase::idle, out);
      break;
    case control_kind::active:
      if (of.is == phase::idle) {
        of.is = phase::active;
        if (std::exchange(idle_, false))
          out.push_back(control::active());
        raise(out);
      }
      break;
    case control_kind::end:
      if (of.is != phase::ended)
        leave(channel, phase::ended, out);
      break;
    case control_kind::barrier:
      out.push_back(what);
      break;
  }
}

void channel_merger::raise(std::vector<control>& out) {
  auto least = event_time::none();
  for (const auto& each : channels_) {
    if (each.is != phase::active)
      continue;
    // A channel that comes back from idle behind the merged watermark does not hold it back.
    if (watermark_.has_value() && each.watermark < watermark_)
      continue;
    if (!each.watermark.has_value())
      return;
    least = least.has_value() ? std::min(least, each.watermark) : each.watermark;
  }
  if (least.has_value() && least > watermark_) {
    watermark_ = least;
    out.push_back(control::watermark(least));
  }
}

void channel_merger::leave(std::size_t channel, phase is, std::vector<control>& out) {
  channels_[channel].is = is;
  const auto count = [&](phase wanted) {
    return std::count_if(channels_.begin(), channels_.end(),
                         [&](const state& each) { return each.is == wanted; });
  };
  if (count(phase::ended) == static_cast<std::ptrdiff_t>(channels_.size())) {
    out.push_back(control::end());
  } else if (count(phase::active) == 0) {
    if (count(phase::idle) > 0 && !std::exchange(idle_, true))
      out.push_back(control::idle());
  } else {
    raise(out);
  }
}

} // namespace weir
