// SPDX-License-Identifier: Apache-2.0

#include "weir/position_text.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace {

struct place {
  std::uint64_t line = 99;
  std::uint64_t offset = 99;

  bool read(std::string_view text) {
    return weir::read_position(text, {{"line", &line}, {"offset", &offset}});
  }
};

} // namespace

BOOST_AUTO_TEST_SUITE(position_text)

BOOST_AUTO_TEST_CASE(what_is_written_is_read) {
  const auto text = weir::write_position({{"line", 0}, {"offset", UINT64_MAX}});
  BOOST_TEST(text == "line=0 offset=18446744073709551615");
  place at;
  BOOST_TEST(at.read(text));
  BOOST_TEST(at.line == 0u);
  BOOST_TEST(at.offset == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(nothing_else_is_read) {
  BOOST_TEST(place{}.read("line=1 offset=2"));
  for (const auto* text :
       {"", " ", "line=1", "line=1 ", "line=1 offset", "line=1 offset=", "line=1 offset=2 ",
        "line=1 offset=2 more=3", " line=1 offset=2", "line=1  offset=2", "line=1offset=2",
        "offset=2 line=1", "line= 1 offset=2", "line=-1 offset=2", "line=+1 offset=2",
        "line=1 offset=18446744073709551616", "line=1 offset=0x2", "lines=1 offset=2"})
    BOOST_TEST(!place{}.read(text), "'" << text << "'");
}

BOOST_AUTO_TEST_CASE(a_position_of_another_source_is_named_but_not_at_length) {
  const auto why = weir::not_a_position("numbers", {3, std::string(1000, 'x')});
  BOOST_TEST(why.is(weir::error_kind::incompatible));
  BOOST_TEST(why.text().starts_with("numbers: cannot go on from 'xxx"));
  BOOST_TEST(why.text().find("in split 3") != std::string::npos);
  BOOST_TEST(why.text().size() < 500u);
}

BOOST_AUTO_TEST_SUITE_END()
