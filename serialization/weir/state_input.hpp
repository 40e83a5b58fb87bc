// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reads what a `state_output` wrote. It believes nothing: a size is checked against the bytes that
/// are left before anything is allocated, and against a memory budget; a `bool` must be 0 or 1;
/// containers lie in each other only so deep. What does not hold is a state_error of the kind
/// `damaged` that says where. Used by one thread. tests/serialization/archives_test.cpp.

#include "weir/memory_budget.hpp"
#include "weir/state_error.hpp"
#include "weir/state_output.hpp"

#include <cereal/cereal.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

class state_input : public cereal::InputArchive<state_input, cereal::AllowEmptyClassElision> {
public:
  using pieces = std::vector<std::span<const std::byte>>;

  /// Reads `from`, whose bytes stay where they are meanwhile. `budget`: for all that is read of a
  /// state, also by other objects. `what`: its name in errors.
  state_input(pieces from, memory_budget& budget, std::string what = {});

  void bytes(void* to, std::size_t size) {
    if (size > here()) {
      bytes_over_pieces(static_cast<std::byte*>(to), size);
      return;
    }
    if (size > 0)
      std::memcpy(to, at_, size);
    at_ += size;
  }

  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto next = byte();
      // Only one spelling is right, so that equal bytes are the only ones for equal values.
      if (shift == 63 && next > 1)
        break;
      n |= static_cast<std::uint64_t>(next & 0x7F) << shift;
      if (next < 0x80) {
        if (next == 0 && shift > 0)
          break;
        return n;
      }
    }
    damaged("holds a number that nobody writes");
  }

  std::int64_t signed_number() {
    const auto n = number();
    return static_cast<std::int64_t>(n >> 1 ^ (0 - (n & 1)));
  }

  template <class T>
  requires std::is_arithmetic_v<T>
  T fixed() {
    if constexpr (std::is_same_v<T, bool>) {
      const auto x = byte();
      if (x > 1)
        damaged("holds a truth value that is neither yes nor no");
      return x == 1;
    } else {
      std::byte raw[sizeof(T)];
      bytes(raw, sizeof(T));
      if constexpr (std::endian::native == std::endian::big)
        for (std::size_t i = 0; i < sizeof(T) / 2; ++i)
          std::swap(raw[i], raw[sizeof(T) - 1 - i]);
      T x;
      std::memcpy(&x, raw, sizeof(T));
      return x;
    }
  }

  /// How many elements follow, each of which has at least `bytes_each` bytes.
  std::size_t count(std::size_t bytes_each = 1) {
    const auto n = number();
    if (n > left() / bytes_each)
      damaged("says that more follows than there is");
    return static_cast<std::size_t>(n);
  }

  std::string text() {
    std::string result;
    text(result);
    return result;
  }
  void text(std::string& into) {
    const auto size = count();
    charge(size);
    into.resize(size);
    bytes(into.data(), size);
  }

  /// Takes from the memory budget what will be allocated.
  void charge(std::size_t bytes) {
    if (!budget_.take(bytes))
      damaged("asks for more memory than a state of its size may");
  }

  void enter() {
    if (++depth_ > nesting_max)
      damaged("nests deeper than anything that is written");
  }
  void leave() noexcept { --depth_; }

  /// Bytes that are not yet read.
  std::size_t left() const noexcept { return here() + behind_; }
  std::size_t offset() const noexcept { return size_ - left(); }

  /// Throws where something is left.
  void end() const {
    if (left() > 0)
      damaged("holds more than was expected");
  }

  /// Throws a state_error of the kind `damaged`: "`what`: `cause` at byte N".
  [[noreturn]] void damaged(std::string_view cause) const;

private:
  std::size_t here() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  unsigned char byte() {
    if (at_ == end_) [[unlikely]] {
      std::byte next;
      bytes_over_pieces(&next, 1);
      return static_cast<unsigned char>(next);
    }
    return static_cast<unsigned char>(*at_++);
  }

  void bytes_over_pieces(std::byte* to, std::size_t size);

  pieces from_;
  memory_budget& budget_;
  std::string what_;
  std::size_t next_ = 0; // piece
  const std::byte* at_ = nullptr;
  const std::byte* end_ = nullptr;
  std::size_t behind_ = 0; // bytes of later pieces
  std::size_t size_ = 0;
  std::uint32_t depth_ = 0;
};

} // namespace weir

/// Lets Cereal know that the two belong together (`save_minimal`, `load_minimal`).
CEREAL_SETUP_ARCHIVE_TRAITS(weir::state_input, weir::state_output)
