// SPDX-License-Identifier: Apache-2.0

#include "weir/timestamp.hpp"

#include <boost/test/unit_test.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace {

std::int64_t ms(std::string_view text) {
  const auto time = weir::parse_rfc3339(text);
  BOOST_TEST_REQUIRE(time.has_value(), text);
  return time->ms();
}

std::string why_not(std::string_view text) {
  const auto time = weir::parse_rfc3339(text);
  if (time)
    return "is a time";
  BOOST_TEST(time.why().is(weir::error_kind::bad_record));
  return time.why().message();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

} // namespace

BOOST_AUTO_TEST_SUITE(timestamp)

BOOST_AUTO_TEST_CASE(well_known_times) {
  BOOST_TEST(ms("1970-01-01T00:00:00Z") == 0);
  BOOST_TEST(ms("2001-01-01T00:47:00Z") == 978'310'020'000);
  BOOST_TEST(ms("1969-12-31T23:59:59Z") == -1'000);
  BOOST_TEST(ms("2000-02-29T12:00:00Z") == 951'825'600'000);
  BOOST_TEST(ms("0000-01-01T00:00:00Z") == -62'167'219'200'000);
  BOOST_TEST(ms("9999-12-31T23:59:59.999Z") == 253'402'300'799'999);
}

BOOST_AUTO_TEST_CASE(offsets_are_taken_away) {
  BOOST_TEST(ms("1970-01-01T01:30:00+01:30") == 0);
  BOOST_TEST(ms("1969-12-31T16:00:00-08:00") == 0);
  BOOST_TEST(ms("1970-01-01T00:00:00-00:00") == 0);
  BOOST_TEST(ms("1970-01-01t00:00:00z") == 0);
}

BOOST_AUTO_TEST_CASE(fractions_are_cut_off_at_milliseconds) {
  BOOST_TEST(ms("1970-01-01T00:00:00.5Z") == 500);
  BOOST_TEST(ms("1970-01-01T00:00:00.0129999Z") == 12);
  BOOST_TEST(ms("1970-01-01T00:00:00.999999999999999999999999999Z") == 999);
  // Before the epoch as well: never later than what was written.
  BOOST_TEST(ms("1969-12-31T23:59:59.9999Z") == -1);
}

BOOST_AUTO_TEST_CASE(a_leap_second_is_the_second_that_follows) {
  BOOST_TEST(ms("2016-12-31T23:59:60Z") == ms("2017-01-01T00:00:00Z"));
  BOOST_TEST(ms("2016-12-31T15:59:60.25-08:00") == ms("2017-01-01T00:00:00.25Z"));
  BOOST_TEST(ms("2017-01-01T05:29:60+05:30") == ms("2017-01-01T00:00:00Z"));
  BOOST_TEST(contains(why_not("2016-12-31T23:58:60Z"), "leap second"));
  BOOST_TEST(contains(why_not("2016-12-31T23:59:60+01:00"), "leap second"));
}

BOOST_AUTO_TEST_CASE(every_day_of_four_centuries_agrees_with_the_calendar) {
  using namespace std::chrono;
  for (auto day = sys_days{January / 1 / 1800}; day < sys_days{January / 1 / 2200};
       day += days{1}) {
    const year_month_day date{day};
    char text[32];
    std::snprintf(text, sizeof(text), "%04d-%02u-%02uT00:00:00Z", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
    BOOST_TEST_REQUIRE(ms(text) == day.time_since_epoch().count() * 86'400'000LL);
  }
}

BOOST_AUTO_TEST_CASE(days_and_times_that_there_are_not) {
  for (const auto* text : {"2001-02-29T00:00:00Z", "1900-02-29T00:00:00Z", "2001-04-31T00:00:00Z",
                           "2001-13-01T00:00:00Z", "2001-00-01T00:00:00Z", "2001-01-00T00:00:00Z"})
    BOOST_TEST(contains(why_not(text), "a day"), text);
  for (const auto* text : {"2001-01-01T24:00:00Z", "2001-01-01T00:60:00Z", "2001-01-01T00:00:61Z"})
    BOOST_TEST(contains(why_not(text), "a time of day"), text);
  for (const auto* text : {"2001-01-01T00:00:00+24:00", "2001-01-01T00:00:00-01:60"})
    BOOST_TEST(contains(why_not(text), "offset"), text);
}

BOOST_AUTO_TEST_CASE(other_ways_of_writing_are_refused) {
  for (const auto* text :
       {"", "2001", "2001-01-01", "2001-01-01 00:00:00Z", "2001-1-1T00:00:00Z", "20010101T000000Z",
        "+2001-01-01T00:00:00Z", "-001-01-01T00:00:00Z", "2001-01-01T00:00Z",
        "2001-01-01T00:00:00.Z", "2001-01-01T00:00:00,5Z", "2001-01-01T00:00:00Z ",
        " 2001-01-01T00:00:00Z", "2001-01-01T00:00:00ZZ", "2001-01-01T00:00:00+0100",
        "2001-01-01T00:00:00+01", "2001-01-01T00:00:00UTC", "978310020000"})
    BOOST_TEST(contains(why_not(text), "RFC 3339"), "'" << text << "': " << why_not(text));
  BOOST_TEST(contains(why_not("2001-01-01T00:00:00"), "lacks the offset"));
  BOOST_TEST(contains(why_not("2001-01-01T00:00:00.5"), "lacks the offset"));
}

BOOST_AUTO_TEST_CASE(no_part_of_a_time_is_one) {
  const std::string whole = "2001-01-01T00:47:00.250+01:00";
  for (std::size_t size = 0; size < whole.size(); ++size)
    BOOST_TEST(why_not(whole.substr(0, size)) != "is a time", size);
}

BOOST_AUTO_TEST_CASE(an_error_shows_the_text_but_not_without_end) {
  const auto time = weir::parse_rfc3339(std::string(10'000, 'x'));
  BOOST_TEST(time.why().text().size() < 200u);
  BOOST_TEST(weir::parse_rfc3339("soon").why().thing() == "'soon'");
}

BOOST_AUTO_TEST_CASE(epoch_milliseconds_in_another_unit_are_noticed) {
  BOOST_TEST(weir::from_epoch_ms(978'310'020'000)->ms() == 978'310'020'000);
  BOOST_TEST(weir::from_epoch_ms(-1)->ms() == -1);
  BOOST_TEST(weir::from_epoch_ms(253'402'300'799'999).has_value());
  BOOST_TEST(weir::from_epoch_ms(-62'167'219'200'000).has_value());
  for (const auto outside :
       {INT64_MIN, INT64_MAX, std::int64_t{253'402'300'800'000}, std::int64_t{-62'167'219'200'001},
        std::int64_t{978'310'020'000'000}}) {
    const auto time = weir::from_epoch_ms(outside);
    BOOST_TEST_REQUIRE(!time.has_value(), outside);
    BOOST_TEST(contains(time.why().message(), "milliseconds?"));
  }
}

BOOST_AUTO_TEST_SUITE_END()
