// SPDX-License-Identifier: Apache-2.0
#include "duration_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <system_error>

namespace weir::tool {

namespace {

struct unit {
  std::string_view name;
  std::int64_t factor;
};

// From small to great.
constexpr std::array time_units{
  unit{"ns", 1},
  unit{"us", 1'000},
  unit{"ms", 1'000'000},
  unit{"s", 1'000'000'000},
  unit{"m", 60'000'000'000},
  unit{"h", 3'600'000'000'000},
};

constexpr std::array size_units{
  unit{"B", 1},
  unit{"KiB", std::int64_t{1} << 10},
  unit{"MiB", std::int64_t{1} << 20},
  unit{"GiB", std::int64_t{1} << 30},
};

constexpr std::string_view digits = "0123456789";

template <class Units>
const unit* find_unit(const Units& units, std::string_view name) {
  for (const auto& each : units)
    if (each.name == name)
      return &each;
  return nullptr;
}

/// Cuts the digits off the beginning of `text`.
std::string_view take_digits(std::string_view& text) {
  const auto end = std::min(text.find_first_not_of(digits), text.size());
  const auto taken = text.substr(0, end);
  text.remove_prefix(end);
  return taken;
}

std::optional<std::int64_t> times(std::string_view whole, std::int64_t factor) {
  std::int64_t number = 0;
  std::int64_t result = 0;
  const auto [end, code] = std::from_chars(whole.data(), whole.data() + whole.size(), number);
  if (code != std::errc{} || end != whole.data() + whole.size()
      || __builtin_mul_overflow(number, factor, &result))
    return std::nullopt;
  return result;
}

} // namespace

std::optional<duration> parse_duration(std::string_view text) {
  const auto whole = take_digits(text);
  std::string_view fraction;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    fraction = take_digits(text);
    if (fraction.empty())
      return std::nullopt;
  }
  const auto* of = find_unit(time_units, text);
  if (whole.empty() || of == nullptr)
    return std::nullopt;
  auto result = times(whole, of->factor);
  auto place = of->factor;
  for (const char digit : fraction) {
    // Where the place cannot be divided further, the digit would stand for parts of a nanosecond.
    const bool divides = place % 10 == 0;
    if (!result || (!divides && digit != '0'))
      return std::nullopt;
    if (divides)
      place /= 10;
    if (__builtin_add_overflow(*result, (digit - '0') * place, &*result))
      return std::nullopt;
  }
  return result ? std::optional{duration{*result}} : std::nullopt;
}

std::optional<duration_range> parse_duration_range(std::string_view text) {
  const auto dots = text.find("..");
  const auto min = parse_duration(text.substr(0, dots));
  const auto max = dots == text.npos ? min : parse_duration(text.substr(dots + 2));
  if (!min || !max || *max < *min)
    return std::nullopt;
  return duration_range{*min, *max};
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const auto whole = take_digits(text);
  const auto* of = find_unit(size_units, text);
  if (whole.empty() || of == nullptr)
    return std::nullopt;
  const auto result = times(whole, of->factor);
  return result ? std::optional{static_cast<std::uint64_t>(*result)} : std::nullopt;
}

std::string exact_text(duration d) {
  if (d == duration{0})
    return "0s";
  const auto* best = &time_units.front();
  for (const auto& each : time_units)
    if (d.count() % each.factor == 0)
      best = &each;
  return std::to_string(d.count() / best->factor) + std::string{best->name};
}

std::string rounded_text(duration d) {
  // Minutes and hours are no decimal units; seconds are good enough for any run.
  const auto* best = &time_units[0];
  for (const auto& each : {time_units[1], time_units[2], time_units[3]})
    if (d.count() >= each.factor)
      best = find_unit(time_units, each.name);
  const auto number = static_cast<double>(d.count()) / static_cast<double>(best->factor);
  const int decimals = best == &time_units[0] || number >= 99.95 ? 0 : number >= 9.995 ? 1 : 2;
  char text[64];
  std::snprintf(text, sizeof(text), "%.*f %s", decimals, number, std::string{best->name}.c_str());
  return text;
}

std::string grouped_text(std::uint64_t number) {
  auto text = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3)
    text.insert(static_cast<std::size_t>(place), 1, ',');
  return text;
}

std::string counted_text(std::uint64_t number, std::string_view one, std::string_view several) {
  const auto count = grouped_text(number) + " ";
  if (number == 1)
    return count + std::string{one};
  return count + (several.empty() ? std::string{one} + "s" : std::string{several});
}

} // namespace weir::tool
