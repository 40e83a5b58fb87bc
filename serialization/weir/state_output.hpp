// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Writes values into state blocks: an archive of Cereal's, so that a type's one `serialize`
/// function does for it as for any other. Numbers are little-endian and of fixed size, sizes are
/// varints, a `bool` is one byte, and equal values give equal bytes. What it writes a `state_input`
/// reads, on any machine whose types have the same sizes. What a value of a type is made of is said
/// in weir/stored.hpp, which must be included where one is written or read. Used by one thread; for
/// one state. tests/serialization/archives_test.cpp.

#include "weir/memory_budget.hpp"
#include "weir/state_blocks.hpp"
#include "weir/state_error.hpp"

#include <cereal/cereal.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir {

/// How deep containers may lie in each other.
inline constexpr std::uint32_t nesting_max = 100;

/// A number of 64 bits takes at most this many bytes as a varint.
inline constexpr std::size_t varint_bytes_max = 10;

class state_output : public cereal::OutputArchive<state_output, cereal::AllowEmptyClassElision> {
public:
  /// Writes behind what `to` holds, which stays the caller's and must not be touched before
  /// `finish`.
  explicit state_output(state_blocks& to) : OutputArchive(this), to_(to) {}
  ~state_output() { finish(); }

  /// As they are.
  void bytes(const void* from, std::size_t size) {
    if (size > room()) {
      bytes_over_blocks(static_cast<const std::byte*>(from), size);
      return;
    }
    if (size > 0)
      std::memcpy(at_, from, size);
    at_ += size;
  }

  /// Seven bits a byte, the lowest first.
  void number(std::uint64_t n) {
    if (room() < varint_bytes_max) {
      number_over_blocks(n);
      return;
    }
    at_ = put(at_, n);
  }

  /// Small numbers of either sign are short: 0, -1, 1, -2 become 0, 1, 2, 3.
  void signed_number(std::int64_t n) {
    number(static_cast<std::uint64_t>(n) << 1 ^ static_cast<std::uint64_t>(n >> 63));
  }

  /// Its size and its bytes.
  void text(std::string_view what) {
    number(what.size());
    charge(what.size());
    bytes(what.data(), what.size());
  }

  template <class T>
  requires std::is_arithmetic_v<T>
  void fixed(T x) {
    static_assert(!std::is_same_v<T, long double>,
                  "long double differs between machines: use double");
    std::byte raw[sizeof(T)];
    if constexpr (std::is_same_v<T, bool>)
      raw[0] = std::byte{x};
    else
      std::memcpy(raw, &x, sizeof(T));
    if constexpr (std::endian::native == std::endian::big)
      for (std::size_t i = 0; i < sizeof(T) / 2; ++i)
        std::swap(raw[i], raw[sizeof(T) - 1 - i]);
    bytes(raw, sizeof(T));
  }

  /// What a loader will take from its memory budget for what is being written.
  void charge(std::size_t bytes) noexcept { charged_ += bytes; }

  /// Bytes that this object has written.
  std::size_t written() const noexcept { return begun_ + static_cast<std::size_t>(at_ - begin_); }

  /// The blocks say how far they are filled. Throws state_error where a loader could not afford the
  /// state.
  void finish_checked();

  /// Containers one in the other; throws state_error beyond `nesting_max`.
  void enter() {
    if (++depth_ > nesting_max)
      too_deep();
  }
  void leave() noexcept { --depth_; }

  /// A container said that it has `count` elements, and they have left fewer bytes than that.
  [[noreturn]] void stores_nothing() const;

private:
  static std::byte* put(std::byte* at, std::uint64_t n) noexcept {
    for (; n >= 0x80; n >>= 7)
      *at++ = static_cast<std::byte>(n | 0x80);
    *at++ = static_cast<std::byte>(n);
    return at;
  }

  std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - at_); }
  void bytes_over_blocks(const std::byte* from, std::size_t size);
  void number_over_blocks(std::uint64_t n);
  void finish() noexcept;
  [[noreturn]] void too_deep() const;

  state_blocks& to_;
  std::byte* begin_ = nullptr; // of the room that was got last
  std::byte* at_ = nullptr;
  std::byte* end_ = nullptr;
  std::size_t begun_ = 0; // in front of `begin_`
  std::size_t charged_ = 0;
  std::uint32_t depth_ = 0;
};

} // namespace weir
