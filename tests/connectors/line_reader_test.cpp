// SPDX-License-Identifier: Apache-2.0

#include "weir/line_reader.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstring>
#include <random>
#include <string>
#include <string_view>

namespace {

struct feeding {
  std::size_t max_line = 100;
  std::size_t block = 8;
  /// Bytes that come at a time.
  std::size_t piece = 1000;
};

/// One row a line: number, offset, length and text.
std::string transcript(std::string_view text, feeding how = {}) {
  weir::line_reader reader{how.max_line, how.block};
  std::string result;
  const auto take_lines = [&] {
    while (const auto line = reader.next())
      result += std::to_string(line->number) + " @" + std::to_string(line->offset) + " "
                + std::to_string(line->length) + (line->too_long() ? "! " : " ")
                + std::string{line->text} + "|\n";
  };
  take_lines();
  const auto size = text.size();
  while (!text.empty()) {
    const auto room = reader.room();
    BOOST_TEST_REQUIRE(room.size() >= how.block);
    const auto n = std::min({how.piece, room.size(), text.size()});
    std::memcpy(room.data(), text.data(), n);
    reader.filled(n);
    text.remove_prefix(n);
    take_lines();
  }
  reader.finish();
  take_lines();
  BOOST_TEST(reader.offset() == size);
  return result;
}

/// The same, made plainly and with everything at hand.
std::string model(std::string_view text, std::size_t max_line) {
  std::string result;
  std::size_t at = text.starts_with("\xef\xbb\xbf") ? 3 : 0;
  for (int number = 1; at < text.size(); ++number) {
    const auto lf = text.find('\n', at);
    auto line = text.substr(at, lf == text.npos ? lf : lf - at);
    if (line.ends_with('\r'))
      line.remove_suffix(1);
    result += std::to_string(number) + " @" + std::to_string(at) + " " + std::to_string(line.size())
              + (line.size() > max_line ? "! " : " ") + std::string{line.substr(0, max_line)}
              + "|\n";
    at = lf == text.npos ? text.size() : lf + 1;
  }
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(line_reader)

BOOST_AUTO_TEST_CASE(lines_end_with_lf_or_crlf_and_the_last_with_nothing) {
  BOOST_TEST(transcript("one\ntwo\r\n\n\r\nfive")
             == "1 @0 3 one|\n2 @4 3 two|\n3 @9 0 |\n4 @10 0 |\n5 @12 4 five|\n");
  BOOST_TEST(transcript("one\n") == "1 @0 3 one|\n");
  BOOST_TEST(transcript("one\r") == "1 @0 3 one|\n");
  BOOST_TEST(transcript("a\rb\r\r\n") == "1 @0 4 a\rb\r|\n");
  BOOST_TEST(transcript("") == "");
}

BOOST_AUTO_TEST_CASE(a_byte_order_mark_is_left_out_in_front_only) {
  BOOST_TEST(transcript("\xef\xbb\xbfone\n\xef\xbb\xbftwo\n")
             == "1 @3 3 one|\n2 @7 6 \xef\xbb\xbftwo|\n");
  BOOST_TEST(transcript("\xef\xbb\xbf") == "");
  BOOST_TEST(transcript("\xef\xbb") == "1 @0 2 \xef\xbb|\n");
  BOOST_TEST(transcript("\n\xef\xbb\xbf") == "1 @0 0 |\n2 @1 3 \xef\xbb\xbf|\n");
}

BOOST_AUTO_TEST_CASE(a_line_up_to_the_bound_is_whole) {
  BOOST_TEST(transcript("12345\n12345\r\n123456\r\n", {.max_line = 5})
             == "1 @0 5 12345|\n2 @6 5 12345|\n3 @13 6! 12345|\n");
  BOOST_TEST(transcript("12345\r", {.max_line = 5}) == "1 @0 5 12345|\n");
}

BOOST_AUTO_TEST_CASE(a_line_that_is_too_long_is_left_behind_without_being_held) {
  weir::line_reader reader{1000, 64};
  std::size_t most = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto room = reader.room();
    most = std::max(most, room.size());
    std::fill(room.begin(), room.end(), 'x');
    reader.filled(room.size());
    BOOST_TEST_REQUIRE(!reader.next().has_value());
  }
  // Room is what is free in the buffer; it stays within the bound and a block.
  BOOST_TEST(most <= 1000u + 2 + 64);
  reader.room()[0] = '\n';
  reader.filled(1);
  const auto line = reader.next();
  BOOST_TEST_REQUIRE(line.has_value());
  BOOST_TEST(line->too_long());
  BOOST_TEST(line->text == std::string(1000, 'x'));
  BOOST_TEST(line->length == reader.offset() - 1);
}

BOOST_AUTO_TEST_CASE(any_text_in_any_pieces_gives_the_same_lines) {
  const auto seed = 42u;
  std::mt19937 random{seed};
  constexpr std::string_view letters = "\n\n\r\rab\xef\xbb\xbfxyz";
  for (int round = 0; round < 400; ++round) {
    std::string text(random() % 60, '\0');
    for (auto& c : text)
      c = letters[random() % letters.size()];
    if (random() % 4 == 0)
      text.insert(0, "\xef\xbb\xbf");
    for (const std::size_t max_line : {1, 2, 3, 7, 100})
      for (const std::size_t block : {1, 2, 5, 64})
        for (const std::size_t piece : {1, 2, 3, 64})
          BOOST_TEST_REQUIRE(transcript(text, {max_line, block, piece}) == model(text, max_line),
                             "seed " << seed << " round " << round << " max_line " << max_line
                                     << " block " << block << " piece " << piece);
  }
}

BOOST_AUTO_TEST_CASE(a_reader_may_begin_behind_lines_that_others_have_read) {
  weir::line_reader reader{100, 8};
  reader.begin_at(1000, 7);
  BOOST_TEST(reader.offset() == 1000u);
  BOOST_TEST(reader.lines() == 7u);
  const std::string_view text = "\xef\xbb\xbf"
                                "ab\nc\n";
  std::memcpy(reader.room().data(), text.data(), text.size());
  reader.filled(text.size());
  const auto first = reader.next();
  BOOST_TEST_REQUIRE(first.has_value());
  // Only in front of all is it a byte order mark.
  BOOST_TEST(first->text == text.substr(0, 5));
  BOOST_TEST(first->offset == 1000u);
  BOOST_TEST(first->number == 8u);
  BOOST_TEST(reader.next()->offset == 1006u);
  BOOST_TEST(reader.lines() == 9u);
}

BOOST_AUTO_TEST_SUITE_END()
