// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A quantile of durations, for people. Pure; any thread.

#include "duration_text.hpp"

#include "weir/histogram.hpp"

#include <string>

namespace weir::tool {

/// Rounded; `-` where nothing was measured.
inline std::string quantile_text(const histogram::snapshot& of, double q) {
  return of.count() == 0 ? "-" : rounded_text(of.quantile(q));
}

} // namespace weir::tool
