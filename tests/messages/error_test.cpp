// SPDX-License-Identifier: Apache-2.0

#include "weir/error.hpp"

#include <boost/test/unit_test.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using weir::error;
using weir::expected;

BOOST_AUTO_TEST_SUITE(errors)

BOOST_AUTO_TEST_CASE(the_text_says_thing_message_and_kind) {
  BOOST_TEST((error{"io", "file x", "it is not there"}.text()) == "file x: it is not there (io)");
  BOOST_TEST((error{"io", "", "it is not there"}.text()) == "it is not there (io)");
  BOOST_TEST((error{"io", "file x", ""}.text()) == "file x: failed (io)");
}

BOOST_AUTO_TEST_CASE(kinds_are_compared_as_text) {
  const error of{weir::error_kind::timeout, "x", "y"};
  BOOST_TEST(of.is("timeout_error"));
  BOOST_TEST(!of.is("timeout"));
  BOOST_TEST((of == error{"timeout_error", "x", "y"}));
  BOOST_TEST((of != error{"timeout_error", "x", "z"}));
}

BOOST_AUTO_TEST_CASE(expected_is_a_value_or_an_error) {
  const expected<int> value{5};
  BOOST_TEST(value.has_value());
  BOOST_TEST(*value == 5);
  const expected<int> failed{error{"io", "x", "y"}};
  BOOST_TEST(!failed);
  BOOST_TEST(failed.why().thing() == "x");
}

BOOST_AUTO_TEST_CASE(expected_holds_what_can_only_be_moved) {
  expected<std::unique_ptr<int>> of{std::make_unique<int>(5)};
  BOOST_TEST(*of->get() == 5);
  const auto taken = *std::move(of);
  BOOST_TEST(*taken == 5);
}

BOOST_AUTO_TEST_CASE(either_takes_the_place_of_either) {
  const auto long_text = std::string(100, 'x');
  const std::vector<expected<std::string>> kinds{long_text, error{"io", "x", "y"}, std::string{"other"},
                                                 error{"io", long_text, "z"}};
  const auto are_equal = [](const expected<std::string>& a, const expected<std::string>& b) {
    return a.has_value() == b.has_value() && (a ? *a == *b : a.why() == b.why());
  };
  for (const auto& from : kinds)
    for (const auto& to : kinds) {
      auto copied = to;
      copied = from;
      BOOST_TEST(are_equal(copied, from));
      auto moved = to;
      moved = std::move(copied);
      BOOST_TEST(are_equal(moved, from));
      auto& itself = moved;
      moved = itself;
      BOOST_TEST(are_equal(moved, from));
    }
}

BOOST_AUTO_TEST_CASE(where_a_value_cannot_be_moved_in_there_is_an_error_that_says_nothing) {
  struct heavy {
    heavy() = default;
    heavy(heavy&& other) : throws(other.throws) {
      if (throws)
        throw std::runtime_error("it stays where it is");
    }
    heavy& operator=(heavy&&) = default;
    bool throws = false;
  };
  expected<heavy> from{heavy{}};
  from->throws = true;
  expected<heavy> to{heavy{}};
  BOOST_CHECK_THROW(to = std::move(from), std::runtime_error);
  BOOST_TEST(!to);
  BOOST_TEST((to.why() == error{}));
  BOOST_TEST(to.why().text() == "failed ()");
}

BOOST_AUTO_TEST_CASE(a_copy_of_an_error_has_words_of_its_own) {
  error one{"io", "x", "y"};
  const auto copy = one;
  one = error{"miss", "a", "b"};
  BOOST_TEST(copy.text() == "x: y (io)");
  const auto moved = std::move(one);
  BOOST_TEST(moved.text() == "a: b (miss)");
}

BOOST_AUTO_TEST_CASE(expected_of_nothing_is_success_or_an_error) {
  const expected<void> good;
  BOOST_TEST(good.has_value());
  expected<void> bad{error{"io", "x", "y"}};
  BOOST_TEST(!bad);
  const error why = std::move(bad).why();
  BOOST_TEST(why.message() == "y");
}

BOOST_AUTO_TEST_CASE(a_function_returns_either_without_ceremony) {
  const auto look = [](bool there) -> expected<std::string> {
    if (!there)
      return error{"miss", "key", "no row"};
    return std::string{"found"};
  };
  BOOST_TEST(*look(true) == "found");
  BOOST_TEST(look(false).why().is(weir::error_kind::miss));
}

BOOST_AUTO_TEST_SUITE_END()
