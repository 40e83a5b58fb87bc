// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Event times as records write them. Pure functions; any thread.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <string_view>

namespace weir {

/// Reads RFC 3339, as `2001-01-01T00:47:00.250+01:00`; `t` and `z` may be small. The years are 0000 to
/// 9999, days and offsets are checked. Digits beyond the milliseconds are cut off, so a time is never
/// later than what was written. The leap second 23:59:60 (UTC) is the second that follows it. The
/// error has the kind `bad_record`, its message says what is wrong with the text.
expected<event_time> parse_rfc3339(std::string_view text);

/// Takes milliseconds since 1970-01-01T00:00:00Z. What lies outside the years 0000 to 9999 is an error
/// of the kind `bad_record`: it is in another unit.
expected<event_time> from_epoch_ms(std::int64_t ms);

} // namespace weir
