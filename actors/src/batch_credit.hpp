// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a batch costs its sender and gives back when its receiver has taken all of it.

#include "weir/batch.hpp"
#include "weir/type_ids.hpp"

#include <algorithm>
#include <cstdint>

namespace weir {

/// One without records costs one record: a receiver that stands still is not sent control elements
/// without end.
inline credit credit_of(const batch_base& of) noexcept {
  return {std::max<std::int64_t>(static_cast<std::int64_t>(of.records()), 1),
          static_cast<std::int64_t>(of.bytes())};
}

} // namespace weir
