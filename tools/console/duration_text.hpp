// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lengths of time and sizes as a person writes and reads them: `200ms`, `1ms..20ms`, `64KiB`. Pure
/// functions; any thread.

#include "weir/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::tool {

/// What `parse_duration` takes, as the end of the sentence "must be ...".
inline constexpr std::string_view duration_rule
  = "a time such as \"200ms\", \"1.5s\" or \"2m\" (units ns, us, ms, s, m, h)";

/// What `parse_size` takes, likewise.
inline constexpr std::string_view size_rule
  = "a size such as \"64KiB\" or \"1MiB\" (units B, KiB, MiB, GiB)";

/// A number, with a decimal fraction if need be, and a unit: ns, us, ms, s, m or h. Nothing where it is
/// written otherwise, has parts of a nanosecond, or is more than 292 years.
std::optional<duration> parse_duration(std::string_view text);

struct duration_range {
  duration min{};
  duration max{};
};

/// `MIN..MAX`, or one time for both; `min <= max`.
std::optional<duration_range> parse_duration_range(std::string_view text);

/// A whole number and a unit: B, KiB, MiB or GiB. Nothing where it does not fit into 63 bits.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// In the greatest unit that needs no fraction, so that `parse_duration` reads the same back: `1500ms`.
std::string exact_text(duration d);

/// Rounded to three digits, for people: `1.23 ms`, `45.6 s`.
std::string rounded_text(duration d);

/// With a comma between thousands: `20,000`.
std::string grouped_text(std::uint64_t number);

/// How many of a thing: `1 record`, `20,000 records`. `several`: where the word for one takes no s.
std::string counted_text(std::uint64_t number, std::string_view one, std::string_view several = {});

} // namespace weir::tool
