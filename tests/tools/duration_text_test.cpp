// SPDX-License-Identifier: Apache-2.0
#include "duration_text.hpp"

#include <boost/test/unit_test.hpp>

#include <limits>

using namespace weir;
using namespace weir::tool;
using namespace std::chrono_literals;

namespace {

bool reads(std::string_view text, duration wanted) {
  const auto got = parse_duration(text);
  return got && *got == wanted;
}

} // namespace

BOOST_AUTO_TEST_SUITE(duration_texts)

BOOST_AUTO_TEST_CASE(a_number_and_a_unit_are_a_duration) {
  BOOST_TEST(reads("0s", 0ns));
  BOOST_TEST(reads("7ns", 7ns));
  BOOST_TEST(reads("1us", 1us));
  BOOST_TEST(reads("200ms", 200ms));
  BOOST_TEST(reads("30s", 30s));
  BOOST_TEST(reads("2m", 2min));
  BOOST_TEST(reads("1h", 1h));
  BOOST_TEST(reads("007s", 7s));
}

BOOST_AUTO_TEST_CASE(a_fraction_is_kept_to_the_nanosecond) {
  BOOST_TEST(reads("1.5s", 1500ms));
  BOOST_TEST(reads("0.1us", 100ns));
  BOOST_TEST(reads("1.000000001s", 1s + 1ns));
  BOOST_TEST(reads("0.5m", 30s));
  BOOST_TEST(reads("1.50000000000000000000s", 1500ms));
}

BOOST_AUTO_TEST_CASE(anything_else_is_no_duration) {
  for (const auto* text : {"", "s", "5", "-1s", "+1s", "1 s", " 1s", "1s ", "1.s", ".5s", "1x", "1e3s",
                           "1,5s", "1sec", "1S", "0.1ns", "1.0000000001s", "1.00000000000000005m",
                           "1s2", "1..2s"})
    BOOST_TEST(!parse_duration(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(a_duration_that_does_not_fit_is_refused) {
  BOOST_TEST(reads("9223372036854775807ns", duration::max()));
  BOOST_TEST(!parse_duration("9223372036854775808ns").has_value());
  BOOST_TEST(reads("9223372036.854775807s", duration::max()));
  BOOST_TEST(!parse_duration("9223372036.854775808s").has_value());
  BOOST_TEST(!parse_duration("99999999999999999999999h").has_value());
}

BOOST_AUTO_TEST_CASE(a_range_has_two_ends_or_one_time_for_both) {
  const auto range = parse_duration_range("1ms..20ms");
  BOOST_REQUIRE(range.has_value());
  BOOST_TEST((range->min == 1ms && range->max == 20ms));
  const auto one = parse_duration_range("5us");
  BOOST_REQUIRE(one.has_value());
  BOOST_TEST((one->min == 5us && one->max == 5us));
  for (const auto* text : {"20ms..1ms", "1ms..", "..1ms", "1ms...2ms", "1ms..2ms..3ms", "1ms-2ms"})
    BOOST_TEST(!parse_duration_range(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(sizes_have_binary_units) {
  BOOST_TEST((parse_size("0B") == 0u));
  BOOST_TEST((parse_size("17B") == 17u));
  BOOST_TEST((parse_size("64KiB") == 65536u));
  BOOST_TEST((parse_size("1MiB") == 1048576u));
  BOOST_TEST((parse_size("2GiB") == 2147483648u));
  for (const auto* text : {"", "1", "1MB", "1K", "1.5MiB", "-1B", "1 MiB", "99999999999999GiB"})
    BOOST_TEST(!parse_size(text).has_value(), text);
}

BOOST_AUTO_TEST_CASE(the_exact_text_reads_back_to_the_same) {
  for (const auto d : {duration{0}, duration{1}, duration{1500us}, duration{1500ms}, duration{90s},
                       duration{2h}, duration::max()})
    BOOST_TEST(reads(exact_text(d), d), exact_text(d));
  BOOST_TEST(exact_text(1500ms) == "1500ms");
  BOOST_TEST(exact_text(60s) == "1m");
  BOOST_TEST(exact_text(0s) == "0s");
}

BOOST_AUTO_TEST_CASE(the_rounded_text_has_three_digits) {
  BOOST_TEST(rounded_text(0ns) == "0 ns");
  BOOST_TEST(rounded_text(999ns) == "999 ns");
  BOOST_TEST(rounded_text(1234us) == "1.23 ms");
  BOOST_TEST(rounded_text(12'345us) == "12.3 ms");
  BOOST_TEST(rounded_text(123'456us) == "123 ms");
  BOOST_TEST(rounded_text(99'960us) == "100 ms");
  BOOST_TEST(rounded_text(600s) == "600 s");
}

BOOST_AUTO_TEST_CASE(thousands_are_grouped) {
  BOOST_TEST(grouped_text(0) == "0");
  BOOST_TEST(grouped_text(999) == "999");
  BOOST_TEST(grouped_text(1000) == "1,000");
  BOOST_TEST(grouped_text(1234567) == "1,234,567");
  BOOST_TEST(grouped_text(std::numeric_limits<std::uint64_t>::max()) == "18,446,744,073,709,551,615");
}

BOOST_AUTO_TEST_SUITE_END()
