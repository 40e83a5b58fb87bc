// SPDX-License-Identifier: Apache-2.0

#include "weir/state_input.hpp"
#include "weir/state_output.hpp"

#include "archive_fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace {

using weir::state_input;
using weir::state_output;

const std::vector<std::uint64_t> numbers{
  0, 1, 127, 128, 16'383, 16'384, 0xFFFF'FFFFu, 1ull << 56, (1ull << 63) - 1, 1ull << 63, ~0ull};

} // namespace

BOOST_FIXTURE_TEST_SUITE(archives, weir::testing::archive_fixture)

BOOST_AUTO_TEST_CASE(numbers_take_seven_bits_a_byte) {
  const auto spelled
    = [&](std::uint64_t n) { return written([&](state_output& to) { to.number(n); }); };
  BOOST_TEST(spelled(0) == std::string(1, '\0'));
  BOOST_TEST(spelled(127) == "\x7f");
  BOOST_TEST(spelled(128) == "\x80\x01");
  BOOST_TEST(spelled(300) == "\xac\x02");
  BOOST_TEST(spelled(~0ull) == "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  for (const auto n : numbers)
    for (const std::size_t piece : {1, 3, 100})
      BOOST_TEST(fault(
                   spelled(n), [&](state_input& from) { BOOST_TEST(from.number() == n); }, piece)
                 == "");
}

BOOST_AUTO_TEST_CASE(a_number_has_one_spelling) {
  const auto refused = [](std::string_view bytes) {
    return fault(bytes, [](state_input& from) { from.number(); }).find("nobody writes")
           != std::string::npos;
  };
  using namespace std::string_view_literals;
  BOOST_TEST(refused("\x80\x00"sv));
  BOOST_TEST(refused("\xff\x80\x00"sv));
  BOOST_TEST(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"sv));
  BOOST_TEST(refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv));
  BOOST_TEST(!refused("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"sv));
}

BOOST_AUTO_TEST_CASE(small_numbers_of_either_sign_are_short) {
  for (const std::int64_t n :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{-64},
        std::int64_t{1'000'000}, std::numeric_limits<std::int64_t>::min(),
        std::numeric_limits<std::int64_t>::max()}) {
    const auto bytes = written([&](state_output& to) { to.signed_number(n); });
    BOOST_TEST((bytes.size() == 1) == (n >= -64 && n < 64));
    BOOST_TEST(fault(bytes, [&](state_input& from) { BOOST_TEST(from.signed_number() == n); })
               == "");
  }
}

BOOST_AUTO_TEST_CASE(fixed_numbers_are_little_endian) {
  BOOST_TEST(written([](state_output& to) { to.fixed(std::uint32_t{0x0403'0201}); })
             == "\x01\x02\x03\x04");
  BOOST_TEST(written([](state_output& to) { to.fixed(std::int16_t{-2}); }) == "\xfe\xff");
  BOOST_TEST(written([](state_output& to) { to.fixed(1.0); })
             == std::string("\0\0\0\0\0\0\xf0\x3f", 8));
}

BOOST_AUTO_TEST_CASE(every_bit_of_a_float_is_kept) {
  for (const double x : {0.0, -0.0, 1.5, std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::denorm_min(), std::nan("7")})
    BOOST_TEST(std::bit_cast<std::uint64_t>(value_of<double>(bytes_of(x)))
               == std::bit_cast<std::uint64_t>(x));
}

BOOST_AUTO_TEST_CASE(bytes_go_over_the_ends_of_blocks) {
  const auto fill = [](state_output& to, std::size_t before) {
    to.bytes(std::string(before, 'x').data(), before);
    for (const auto n : numbers)
      to.number(n);
    to.fixed(std::uint64_t{0x1122'3344'5566'7788});
    to.text(std::string(70'000, 'y'));
    to.number(5);
  };
  for (auto before = weir::block_payload_bytes - 90; before <= weir::block_payload_bytes + 1;
       ++before) {
    const auto bytes = written([&](state_output& to) {
      fill(to, before);
      BOOST_TEST(to.written() >= before + 70'000);
    });
    const auto read = [&](state_input& from) {
      std::string front(before, ' ');
      from.bytes(front.data(), before);
      BOOST_TEST(front == std::string(before, 'x'));
      for (const auto n : numbers)
        BOOST_TEST(from.number() == n);
      BOOST_TEST(from.offset() == bytes.size() - from.left());
      BOOST_TEST(from.fixed<std::uint64_t>() == 0x1122'3344'5566'7788u);
      BOOST_TEST(from.text() == std::string(70'000, 'y'));
      BOOST_TEST(from.number() == 5u);
    };
    BOOST_TEST_REQUIRE(fault(bytes, read) == "");
  }
}

BOOST_AUTO_TEST_CASE(a_second_output_goes_on_behind_the_first) {
  weir::state_blocks blocks{pool};
  {
    state_output to{blocks};
    to.text("one");
  }
  {
    state_output to{blocks};
    BOOST_TEST(to.written() == 0u);
    to.text("two");
  }
  BOOST_TEST(text_of(blocks) == "\x03one\x03two");
}

BOOST_AUTO_TEST_CASE(the_end_is_noticed_wherever_it_comes) {
  const auto bytes = written([](state_output& to) {
    to.number(300);
    to.fixed(7);
    to.text("abc");
  });
  for (std::size_t size = 0; size <= bytes.size() + 1; ++size)
    for (const std::size_t piece : {1, 2, 100}) {
      auto cut_off = bytes.substr(0, size);
      if (size > bytes.size())
        cut_off += '.';
      const auto why = fault(
        cut_off,
        [](state_input& from) {
          from.number();
          from.fixed<int>();
          from.text();
        },
        piece);
      BOOST_TEST((why == "") == (size == bytes.size()));
      if (!why.empty())
        BOOST_TEST(why.starts_with("state: "));
    }
}

BOOST_AUTO_TEST_CASE(what_is_damaged_is_said_with_its_place) {
  BOOST_TEST(fault("\x05", [](state_input& from) { from.fixed<bool>(); })
             == "state: holds a truth value that is neither yes nor no at byte 1 (damaged)");
  BOOST_TEST(fault("ab", [](state_input& from) { from.fixed<int>(); })
             == "state: ends too soon at byte 0 (damaged)");
  BOOST_TEST(fault("ab", [](state_input&) {})
             == "state: holds more than was expected at byte 0 (damaged)");
}

BOOST_AUTO_TEST_CASE(the_memory_budget_is_for_all_that_is_read_with_it) {
  weir::memory_budget budget{0};
  BOOST_TEST(budget.take(weir::memory_budget::least - 10));
  BOOST_TEST(!budget.take(11));
  BOOST_TEST(budget.take(10));
  BOOST_TEST(!budget.take(1));
  BOOST_TEST(weir::memory_budget::of(1000) == weir::memory_budget::least + 8000);
  BOOST_TEST(weir::memory_budget::of(static_cast<std::size_t>(-1)) == static_cast<std::size_t>(-1));
  weir::memory_budget small{0};
  BOOST_TEST(small.take(weir::memory_budget::least));
  const std::string_view bytes = "\x03xyz";
  state_input from{cut(bytes), small, "state"};
  BOOST_CHECK_THROW(from.text(), weir::state_error);
}

BOOST_AUTO_TEST_SUITE_END()
