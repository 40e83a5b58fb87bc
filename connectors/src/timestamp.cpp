// SPDX-License-Identifier: Apache-2.0

#include "weir/timestamp.hpp"

#include <chrono>
#include <string>

namespace weir {

namespace {

constexpr std::int64_t day_ms = 86'400'000;

error bad(std::string_view text, std::string message) {
  constexpr std::size_t shown = 64;
  auto name = "'" + std::string{text.substr(0, shown)} + (text.size() > shown ? "...'" : "'");
  return {error_kind::bad_record, std::move(name), std::move(message)};
}

/// Reads a text from left to right; after the first fault nothing fits any more.
class scanner {
public:
  explicit scanner(std::string_view text) : rest_(text) {}

  /// Exactly `count` digits; -1 where there are others.
  int digits(std::size_t count) {
    if (rest_.size() < count)
      return fail();
    int number = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (rest_[i] < '0' || rest_[i] > '9')
        return fail();
      number = number * 10 + (rest_[i] - '0');
    }
    rest_.remove_prefix(count);
    return number;
  }

  bool at_digit() const { return !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; }

  bool skip_if(char c) {
    if (rest_.empty() || rest_[0] != c)
      return false;
    rest_.remove_prefix(1);
    return true;
  }

  void skip(char c, char other = '\0') {
    if (!skip_if(c) && (other == '\0' || !skip_if(other)))
      fail();
  }

  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty() && !failed_; }

private:
  int fail() {
    failed_ = true;
    rest_ = {};
    return -1;
  }

  std::string_view rest_;
  bool failed_ = false;
};

} // namespace

expected<event_time> parse_rfc3339(std::string_view text) {
  scanner in{text};
  const auto malformed
    = [&] { return bad(text, "is not written as RFC 3339 has it, like 2001-01-01T00:47:00Z"); };

  const int year = in.digits(4);
  in.skip('-');
  const int month = in.digits(2);
  in.skip('-');
  const int day = in.digits(2);
  in.skip('T', 't');
  const int hour = in.digits(2);
  in.skip(':');
  const int minute = in.digits(2);
  in.skip(':');
  const int second = in.digits(2);
  int ms = 0;
  if (in.skip_if('.')) {
    if (!in.at_digit())
      return malformed();
    for (int unit = 100; in.at_digit(); unit /= 10)
      ms += in.digits(1) * unit;
  }
  if (in.at_end())
    return bad(text, "lacks the offset from UTC, like Z or +02:00");
  int offset_minutes = 0;
  if (!in.skip_if('Z') && !in.skip_if('z')) {
    const bool west = in.skip_if('-');
    if (!west)
      in.skip('+');
    const int hours = in.digits(2);
    in.skip(':');
    const int minutes = in.digits(2);
    if (hours > 23 || minutes > 59)
      return bad(text, "has an offset from UTC that there is not");
    offset_minutes = (hours * 60 + minutes) * (west ? -1 : 1);
  }
  if (!in.at_end())
    return malformed();

  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok())
    return bad(text, "names a day that there is not");
  if (hour > 23 || minute > 59 || second > 60)
    return bad(text, "names a time of day that there is not");
  const int utc_minute = hour * 60 + minute - offset_minutes;
  if (second == 60 && (utc_minute % 1440 + 1440) % 1440 != 1439)
    return bad(text, "has a second 60 where no leap second can be");
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return event_time{days * day_ms + (std::int64_t{utc_minute} * 60 + second) * 1000 + ms};
}

expected<event_time> from_epoch_ms(std::int64_t ms) {
  using namespace std::chrono;
  constexpr std::int64_t first = sys_days{January / 1 / 0}.time_since_epoch().count() * day_ms;
  constexpr std::int64_t last = sys_days{January / 1 / 10000}.time_since_epoch().count() * day_ms;
  if (ms < first || ms >= last)
    return bad(std::to_string(ms), "lies outside the years 0000 to 9999: are these milliseconds?");
  return event_time{ms};
}

} // namespace weir
