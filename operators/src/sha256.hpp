// SPDX-License-Identifier: Apache-2.0
#pragma once

/// SHA-256, as FIPS 180-4 has it. Bytes may come in pieces. A plain value, not thread-safe, without allocation.
/// tests/operators/idempotency_key_test.cpp.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weir {

using sha256_digest = std::array<std::uint8_t, 32>;

class sha256 {
public:
  void add(std::span<const std::uint8_t> bytes) noexcept;

  /// The digest of all that was added. Once.
  sha256_digest result() noexcept;

private:
  void fill_with_zeros(std::size_t up_to) noexcept;
  /// Takes in the block, which is full.
  void mix_block() noexcept;

  /// At first the fractional parts of the square roots of the first eight primes.
  std::array<std::uint32_t, 8> state_{
    0x6A09'E667u, 0xBB67'AE85u, 0x3C6E'F372u, 0xA54F'F53Au, 0x510E'527Fu, 0x9B05'688Cu,
    0x1F83'D9ABu, 0x5BE0'CD19u};
  std::array<std::uint8_t, 64> block_{};
  std::size_t filled_ = 0;
  /// Bytes.
  std::uint64_t total_ = 0;
};

} // namespace weir
