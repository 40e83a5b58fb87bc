// SPDX-License-Identifier: Apache-2.0
#include "sha256.hpp"

#include <algorithm>
#include <bit>
#include <cassert>

namespace weir {

namespace {

/// The fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> round_constants{
  0x428A'2F98u, 0x7137'4491u, 0xB5C0'FBCFu, 0xE9B5'DBA5u, 0x3956'C25Bu, 0x59F1'11F1u,
  0x923F'82A4u, 0xAB1C'5ED5u, 0xD807'AA98u, 0x1283'5B01u, 0x2431'85BEu, 0x550C'7DC3u,
  0x72BE'5D74u, 0x80DE'B1FEu, 0x9BDC'06A7u, 0xC19B'F174u, 0xE49B'69C1u, 0xEFBE'4786u,
  0x0FC1'9DC6u, 0x240C'A1CCu, 0x2DE9'2C6Fu, 0x4A74'84AAu, 0x5CB0'A9DCu, 0x76F9'88DAu,
  0x983E'5152u, 0xA831'C66Du, 0xB003'27C8u, 0xBF59'7FC7u, 0xC6E0'0BF3u, 0xD5A7'9147u,
  0x06CA'6351u, 0x1429'2967u, 0x27B7'0A85u, 0x2E1B'2138u, 0x4D2C'6DFCu, 0x5338'0D13u,
  0x650A'7354u, 0x766A'0ABBu, 0x81C2'C92Eu, 0x9272'2C85u, 0xA2BF'E8A1u, 0xA81A'664Bu,
  0xC24B'8B70u, 0xC76C'51A3u, 0xD192'E819u, 0xD699'0624u, 0xF40E'3585u, 0x106A'A070u,
  0x19A4'C116u, 0x1E37'6C08u, 0x2748'774Cu, 0x34B0'BCB5u, 0x391C'0CB3u, 0x4ED8'AA4Au,
  0x5B9C'CA4Fu, 0x682E'6FF3u, 0x748F'82EEu, 0x78A5'636Fu, 0x84C8'7814u, 0x8CC7'0208u,
  0x90BE'FFFAu, 0xA450'6CEBu, 0xBEF9'A3F7u, 0xC671'78F2u};

constexpr std::size_t length_bytes = 8;

} // namespace

void sha256::add(std::span<const std::uint8_t> bytes) noexcept {
  total_ += bytes.size();
  while (!bytes.empty()) {
    const auto taken = std::min(bytes.size(), block_.size() - filled_);
    std::copy_n(bytes.begin(), taken, block_.begin() + static_cast<std::ptrdiff_t>(filled_));
    filled_ += taken;
    bytes = bytes.subspan(taken);
    if (filled_ == block_.size())
      mix_block();
  }
}

sha256_digest sha256::result() noexcept {
  const auto bits = total_ * 8;
  block_[filled_++] = 0x80;
  if (filled_ > block_.size() - length_bytes) {
    fill_with_zeros(block_.size());
    mix_block();
  }
  fill_with_zeros(block_.size() - length_bytes);
  for (std::size_t i = 0; i < length_bytes; ++i)
    block_[filled_++] = static_cast<std::uint8_t>(bits >> (8 * (length_bytes - 1 - i)));
  mix_block();
  sha256_digest all;
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i] = static_cast<std::uint8_t>(state_[i / 4] >> (8 * (3 - i % 4)));
  return all;
}

void sha256::fill_with_zeros(std::size_t up_to) noexcept {
  std::fill(block_.begin() + static_cast<std::ptrdiff_t>(filled_),
            block_.begin() + static_cast<std::ptrdiff_t>(up_to), std::uint8_t{0});
  filled_ = up_to;
}

void sha256::mix_block() noexcept {
  assert(filled_ == block_.size());
  filled_ = 0;
  std::array<std::uint32_t, 64> words;
  for (std::size_t i = 0; i < 16; ++i)
    words[i] = std::uint32_t{block_[4 * i]} << 24 | std::uint32_t{block_[4 * i + 1]} << 16
               | std::uint32_t{block_[4 * i + 2]} << 8 | block_[4 * i + 3];
  for (std::size_t i = 16; i < words.size(); ++i) {
    const auto a = words[i - 15];
    const auto b = words[i - 2];
    words[i] = words[i - 16] + (std::rotr(a, 7) ^ std::rotr(a, 18) ^ (a >> 3)) + words[i - 7]
               + (std::rotr(b, 17) ^ std::rotr(b, 19) ^ (b >> 10));
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + ((e & f) ^ (~e & g))
                       + round_constants[i] + words[i];
    const auto second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22))
                        + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + first;
    d = c;
    c = b;
    b = a;
    a = first + second;
  }
  const std::array<std::uint32_t, 8> mixed{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < state_.size(); ++i)
    state_[i] += mixed[i];
}

} // namespace weir
