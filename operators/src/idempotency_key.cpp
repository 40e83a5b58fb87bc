// SPDX-License-Identifier: Apache-2.0
#include "weir/idempotency_key.hpp"

#include "sha256.hpp"

#include <algorithm>
#include <cstddef>
#include <span>

namespace weir {

namespace {

/// Also tells these hashes from those of a later way to make keys.
constexpr std::string_view magic = "weirKEY\n";

void add_bytes(sha256& to, std::string_view text) {
  for (const auto c : text) {
    const auto byte = static_cast<std::uint8_t>(c);
    to.add({&byte, 1});
  }
}

/// A text of docs/formats.md: a varint with its number of bytes, and these.
void add_text(sha256& to, std::string_view text) {
  auto size = text.size();
  for (; size >= 0x80; size >>= 7) {
    const auto byte = static_cast<std::uint8_t>(size | 0x80);
    to.add({&byte, 1});
  }
  const auto last = static_cast<std::uint8_t>(size);
  to.add({&last, 1});
  add_bytes(to, text);
}

/// Little-endian.
template <class Number>
void add_number(sha256& to, Number number) noexcept {
  std::array<std::uint8_t, sizeof(Number)> bytes;
  for (auto& byte : bytes) {
    byte = static_cast<std::uint8_t>(number);
    number = static_cast<Number>(number >> 8);
  }
  to.add(bytes);
}

} // namespace

idempotency_scope::idempotency_scope(std::string_view job, const run_id& run,
                                     std::string_view operator_name) {
  sha256 all;
  add_bytes(all, magic);
  add_text(all, job);
  all.add(run.bytes);
  add_text(all, operator_name);
  digest_ = all.result();
}

std::array<std::uint8_t, 16> idempotency_key::bytes() const noexcept {
  // With its padding all of it is one block.
  sha256 all;
  all.add(in_.digest_);
  add_number(all, from_.position);
  add_number(all, from_.ordinal);
  add_number(all, from_.split);
  const auto digest = all.result();
  std::array<std::uint8_t, 16> first;
  std::copy_n(digest.begin(), first.size(), first.begin());
  return first;
}

std::string idempotency_key::text() const {
  // Both are 128 bits, written alike.
  return run_id{bytes()}.text();
}

} // namespace weir
