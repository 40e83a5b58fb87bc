// SPDX-License-Identifier: Apache-2.0

#include "weir/crc32c.hpp"

#include "weir/splitmix64.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

namespace {

using bytes = std::vector<unsigned char>;

std::uint32_t sum_of(const bytes& of, std::uint32_t before = 0) {
  return weir::crc32c(of.data(), of.size(), before);
}

std::uint32_t sum_of(std::string_view text) {
  return weir::crc32c(text.data(), text.size());
}

/// The definition, a bit at a time.
std::uint32_t slow_sum(const bytes& of) {
  std::uint32_t sum = 0xFFFF'FFFFu;
  for (const auto byte : of) {
    sum ^= byte;
    for (int bit = 0; bit < 8; ++bit)
      sum = (sum & 1) != 0 ? sum >> 1 ^ 0x82F6'3B78u : sum >> 1;
  }
  return ~sum;
}

bytes random_bytes(std::size_t size, std::uint64_t seed) {
  bytes result(size);
  for (auto& each : result)
    each = static_cast<unsigned char>(weir::splitmix64(seed += weir::splitmix64_step));
  return result;
}

} // namespace

BOOST_AUTO_TEST_SUITE(crc32c)

BOOST_AUTO_TEST_CASE(the_examples_of_rfc_3720_have_their_sums) {
  BOOST_TEST(sum_of(bytes(32, 0)) == 0x8A91'36AAu);
  BOOST_TEST(sum_of(bytes(32, 0xFF)) == 0x62A8'AB43u);
  bytes ascending(32);
  std::iota(ascending.begin(), ascending.end(), static_cast<unsigned char>(0));
  BOOST_TEST(sum_of(ascending) == 0x46DD'794Eu);
  std::reverse(ascending.begin(), ascending.end());
  BOOST_TEST(sum_of(ascending) == 0x113F'DB5Cu);
  bytes read_command(48, 0);
  read_command[0] = 0x01;
  read_command[1] = 0xC0;
  read_command[16] = 0x14;
  read_command[22] = 0x04;
  read_command[27] = 0x14;
  read_command[31] = 0x18;
  read_command[32] = 0x28;
  read_command[40] = 0x02;
  BOOST_TEST(sum_of(read_command) == 0xD996'3A56u);
}

BOOST_AUTO_TEST_CASE(the_usual_check_value_comes_out) {
  BOOST_TEST(sum_of("123456789") == 0xE306'9283u);
}

BOOST_AUTO_TEST_CASE(no_bytes_leave_the_sum_as_it_is) {
  BOOST_TEST(weir::crc32c(nullptr, 0) == 0u);
  BOOST_TEST(weir::crc32c(nullptr, 0, 0xE306'9283u) == 0xE306'9283u);
}

BOOST_AUTO_TEST_CASE(both_ways_follow_the_definition_at_every_length_and_alignment) {
  const bool has_instruction = weir::detail::has_crc32c_instruction();
  BOOST_TEST_MESSAGE("by instruction: " << has_instruction);
  const auto source = random_bytes(200, 1);
  for (std::size_t begin = 0; begin < 16; ++begin)
    for (std::size_t size = 0; size <= 128; ++size) {
      const bytes expected_of(source.begin() + static_cast<std::ptrdiff_t>(begin),
                              source.begin() + static_cast<std::ptrdiff_t>(begin + size));
      const auto expected = slow_sum(expected_of);
      const auto* at = source.data() + begin;
      BOOST_TEST_REQUIRE(weir::detail::crc32c_by_tables(at, size, 0) == expected);
      if (has_instruction)
        BOOST_TEST_REQUIRE(weir::detail::crc32c_by_instruction(at, size, 0) == expected);
      BOOST_TEST_REQUIRE(weir::crc32c(at, size) == expected);
    }
}

BOOST_AUTO_TEST_CASE(pieces_have_the_sum_of_the_whole) {
  const auto whole = random_bytes(70, 2);
  const auto expected = sum_of(whole);
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const bytes front(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(cut));
    const bytes back(whole.begin() + static_cast<std::ptrdiff_t>(cut), whole.end());
    BOOST_TEST_REQUIRE(sum_of(back, sum_of(front)) == expected);
  }
}

BOOST_AUTO_TEST_CASE(every_flipped_bit_changes_the_sum) {
  auto changed = random_bytes(300, 3);
  const auto before = sum_of(changed);
  for (auto& byte : changed)
    for (int bit = 0; bit < 8; ++bit) {
      byte = static_cast<unsigned char>(byte ^ 1u << bit);
      BOOST_TEST_REQUIRE(sum_of(changed) != before);
      byte = static_cast<unsigned char>(byte ^ 1u << bit);
    }
  BOOST_TEST(sum_of(changed) == before);
}

BOOST_AUTO_TEST_SUITE_END()
