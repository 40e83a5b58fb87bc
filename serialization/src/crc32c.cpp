// SPDX-License-Identifier: Apache-2.0

#include "weir/crc32c.hpp"

#include <array>
#include <cstring>

namespace weir {

namespace {

// x^32 is left out, and the lowest bit is the highest power, as everywhere with this sum.
constexpr std::uint32_t polynomial = 0x82F63B78u;
constexpr std::size_t step = 8;

using table = std::array<std::uint32_t, 256>;

/// Row `n` holds what a byte does to the sum that lies `n` bytes in front of the end of a step.
constexpr std::array<table, step> make_tables() {
  std::array<table, step> rows{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    auto sum = byte;
    for (int bit = 0; bit < 8; ++bit)
      sum = (sum >> 1) ^ ((sum & 1) != 0 ? polynomial : 0);
    rows[0][byte] = sum;
  }
  for (std::size_t row = 1; row < step; ++row)
    for (std::size_t byte = 0; byte < 256; ++byte)
      rows[row][byte] = (rows[row - 1][byte] >> 8) ^ rows[0][rows[row - 1][byte] & 0xFF];
  return rows;
}

constexpr auto tables = make_tables();

constexpr std::uint32_t after_byte(std::uint32_t sum, unsigned char byte) noexcept {
  return (sum >> 8) ^ tables[0][(sum ^ byte) & 0xFF];
}

} // namespace

namespace detail {

std::uint32_t crc32c_by_tables(const void* data, std::size_t size, std::uint32_t before) noexcept {
  const auto* at = static_cast<const unsigned char*>(data);
  auto sum = ~before;
  for (; size >= step; size -= step, at += step)
    sum = tables[7][(sum & 0xFF) ^ at[0]] ^ tables[6][(sum >> 8 & 0xFF) ^ at[1]]
          ^ tables[5][(sum >> 16 & 0xFF) ^ at[2]] ^ tables[4][(sum >> 24) ^ at[3]]
          ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^ tables[0][at[7]];
  for (; size > 0; --size)
    sum = after_byte(sum, *at++);
  return ~sum;
}

#if defined(__x86_64__)

bool has_crc32c_instruction() noexcept {
  return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) std::uint32_t
crc32c_by_instruction(const void* data, std::size_t size, std::uint32_t before) noexcept {
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint64_t sum = ~before;
  for (; size >= step; size -= step, at += step) {
    std::uint64_t word;
    std::memcpy(&word, at, sizeof(word));
    sum = __builtin_ia32_crc32di(sum, word);
  }
  auto rest = static_cast<std::uint32_t>(sum);
  for (; size > 0; --size)
    rest = __builtin_ia32_crc32qi(rest, *at++);
  return ~rest;
}

#else

bool has_crc32c_instruction() noexcept {
  return false;
}

std::uint32_t crc32c_by_instruction(const void* data, std::size_t size,
                                    std::uint32_t before) noexcept {
  return crc32c_by_tables(data, size, before);
}

#endif

} // namespace detail

std::uint32_t crc32c(const void* data, std::size_t size, std::uint32_t before) noexcept {
  static const bool by_instruction = detail::has_crc32c_instruction();
  return by_instruction ? detail::crc32c_by_instruction(data, size, before)
                        : detail::crc32c_by_tables(data, size, before);
}

} // namespace weir
