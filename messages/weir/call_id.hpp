// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Names one attempt of one record's call. A completion finds its entry by the slot; one that comes
/// too late is known by its generation or its attempt. Plain values; any thread.

#include <cstdint>

namespace weir {

/// One attempt of the call for one record of one operator instance.
struct call_id {
  /// Where the record's entry lies in the operator's table.
  std::uint32_t slot = 0;
  /// How often that slot had been given to a record before.
  std::uint32_t generation = 0;
  /// 1 for the first call; one more with each retry.
  std::uint32_t attempt = 0;

  friend bool operator==(const call_id&, const call_id&) = default;
};

} // namespace weir
