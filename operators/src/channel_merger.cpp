// SPDX-License-Identifier: Apache-2.0
#include "weir/channel_merger.hpp"

#include <algorithm>
#include <cstddef>
#include <utility>

namespace weir {

void channel_merger::take(std::size_t channel, const control& what, std::vector<control>& out) {
  auto& of = states_.channels[channel];
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
        if (std::exchange(states_.idle, false))
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
  for (const auto& each : states_.channels) {
    if (each.is != phase::active)
      continue;
    // A channel that comes back from idle behind the merged watermark does not hold it back.
    if (states_.watermark.has_value() && each.watermark < states_.watermark)
      continue;
    if (!each.watermark.has_value())
      return;
    least = least.has_value() ? std::min(least, each.watermark) : each.watermark;
  }
  if (least.has_value() && least > states_.watermark) {
    states_.watermark = least;
    out.push_back(control::watermark(least));
  }
}

void channel_merger::leave(std::size_t channel, phase is, std::vector<control>& out) {
  states_.channels[channel].is = is;
  const auto count = [&](phase wanted) {
    return std::count_if(states_.channels.begin(), states_.channels.end(),
                         [&](const channel_states::channel& each) { return each.is == wanted; });
  };
  if (count(phase::ended) == static_cast<std::ptrdiff_t>(states_.channels.size())) {
    out.push_back(control::end());
  } else if (count(phase::active) == 0) {
    if (count(phase::idle) > 0 && !std::exchange(states_.idle, true))
      out.push_back(control::idle());
  } else {
    raise(out);
  }
}

} // namespace weir
