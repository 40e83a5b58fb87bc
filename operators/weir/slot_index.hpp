// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The index of an entry's slot in an operator's table, the only thing that the parts of the machine
/// (queue, deadlines, heaps) know of an entry. Plain values.

#include <cstdint>

namespace weir {

using slot_index = std::uint32_t;

/// No slot.
inline constexpr slot_index no_slot = 0xFFFF'FFFFu;

} // namespace weir
