// SPDX-License-Identifier: Apache-2.0

#include "weir/dead_letter.hpp"
#include "weir/held_bytes.hpp"

#include <boost/test/unit_test.hpp>

using weir::value_bytes;

namespace test_types {

/// A type that says itself what it holds.
struct picture {
  std::size_t pixels = 0;
  friend std::size_t held_bytes(const picture& x) { return sizeof(x) + 4 * x.pixels; }
};

struct plain {
  double x = 0;
  int y = 0;
};

} // namespace test_types

BOOST_AUTO_TEST_SUITE(held_bytes_of_values)

BOOST_AUTO_TEST_CASE(plain_values_hold_their_size) {
  BOOST_TEST(value_bytes(5) == sizeof(int));
  BOOST_TEST(value_bytes(test_types::plain{}) == sizeof(test_types::plain));
  BOOST_TEST(weir::has_fixed_size_v<test_types::plain>);
}

BOOST_AUTO_TEST_CASE(long_strings_hold_their_memory_and_short_ones_none) {
  BOOST_TEST(value_bytes(std::string{"short"}) == sizeof(std::string));
  std::string text(100, 'x');
  text.reserve(5000);
  BOOST_TEST(value_bytes(text) >= 5000 + sizeof(std::string));
  BOOST_TEST(!weir::has_fixed_size_v<std::string>);
}

BOOST_AUTO_TEST_CASE(a_type_of_ones_own_says_what_it_holds) {
  const test_types::picture of{1000};
  BOOST_TEST(value_bytes(of) == sizeof(of) + 4000);
  BOOST_TEST(!weir::has_fixed_size_v<test_types::picture>);
}

BOOST_AUTO_TEST_CASE(parts_are_counted_inside_the_standard_containers) {
  const std::string text(100, 'x');
  BOOST_TEST(value_bytes(std::pair{text, 1}) == value_bytes(text) + sizeof(int));
  BOOST_TEST(value_bytes(std::vector{text, text})
             == sizeof(std::vector<std::string>) + 2 * value_bytes(text));
  BOOST_TEST(value_bytes(std::optional{text})
             == sizeof(std::optional<std::string>) + value_bytes(text) - sizeof(std::string));
  BOOST_TEST(value_bytes(std::optional<std::string>{}) == sizeof(std::optional<std::string>));
  BOOST_TEST(value_bytes(std::vector{test_types::picture{1000}}) > 4000u);
}

BOOST_AUTO_TEST_CASE(a_dead_letter_holds_its_record_and_its_reason) {
  weir::dead_letter<std::string> of{
    std::string(100, 'x'), {"io", "x", std::string(200, 'y')}, 1, {}};
  BOOST_TEST(value_bytes(of) >= 300 + sizeof(of));
}

BOOST_AUTO_TEST_SUITE_END()
