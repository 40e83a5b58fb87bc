// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Structures whose fields have numbers, so that a later weir can add some: a field is a varint
/// that holds its number and whether a reader that does not know it may go on, a varint with its
/// length, and its bytes. Numbers ascend; a list is a field that comes several times. One thread.

#include "weir/memory_budget.hpp"
#include "weir/state_error.hpp"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace weir::detail {

inline void append_varint(std::string& to, std::uint64_t n) {
  for (; n >= 0x80; n >>= 7)
    to += static_cast<char>(n | 0x80);
  to += static_cast<char>(n);
}

constexpr std::uint64_t zigzag(std::int64_t n) noexcept {
  return static_cast<std::uint64_t>(n) << 1 ^ static_cast<std::uint64_t>(n >> 63);
}

constexpr std::int64_t unzigzag(std::uint64_t n) noexcept {
  return static_cast<std::int64_t>(n >> 1 ^ (0 - (n & 1)));
}

/// What a reader does that does not know a field.
enum class if_unknown : std::uint8_t { skip = 0, refuse = 1 };

class tagged_writer {
public:
  explicit tagged_writer(std::string& to) : to_(to) {}

  void text(std::uint32_t id, std::string_view what, if_unknown then = if_unknown::refuse) {
    append_varint(to_, std::uint64_t{id} << 1 | static_cast<std::uint64_t>(then));
    append_varint(to_, what.size());
    to_ += what;
  }

  void number(std::uint32_t id, std::uint64_t n, if_unknown then = if_unknown::refuse) {
    std::string bytes;
    append_varint(bytes, n);
    text(id, bytes, then);
  }

  void signed_number(std::uint32_t id, std::int64_t n, if_unknown then = if_unknown::refuse) {
    number(id, zigzag(n), then);
  }

  /// `write(tagged_writer&)` writes the fields of a structure inside of this one.
  template <class F>
  void structure(std::uint32_t id, F write, if_unknown then = if_unknown::refuse) {
    std::string bytes;
    tagged_writer inside{bytes};
    write(inside);
    text(id, bytes, then);
  }

private:
  std::string& to_;
};

/// Throws state_error (`damaged`, `incompatible`).
class tagged_reader {
public:
  /// `what`: the structure's name in errors. `budget`: for all that is read.
  tagged_reader(std::string_view bytes, std::string_view what, const std::string& path,
                memory_budget& budget)
    : rest_(bytes),
      what_(what),
      path_(path),
      budget_(budget) {}

  /// Goes to the next field; false at the end.
  bool next() {
    if (rest_.empty())
      return false;
    const auto tag = varint(rest_);
    const auto id = tag >> 1;
    if (id < id_ || id > std::numeric_limits<std::uint32_t>::max())
      damaged("has fields that are not in order");
    id_ = static_cast<std::uint32_t>(id);
    must_be_known_ = (tag & 1) != 0;
    const auto size = varint(rest_);
    if (size > rest_.size())
      damaged("is cut off");
    field_ = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(field_.size());
    return true;
  }

  /// The field's number, behind `next`.
  std::uint32_t id() const noexcept { return id_; }

  std::string text() {
    charge(field_.size());
    return std::string{field_};
  }

  std::uint64_t number(std::uint64_t max = std::numeric_limits<std::uint64_t>::max()) {
    auto bytes = field_;
    const auto n = varint(bytes);
    if (!bytes.empty() || n > max)
      damaged("has a number that cannot be");
    return n;
  }

  std::uint32_t small_number() {
    return static_cast<std::uint32_t>(number(std::numeric_limits<std::uint32_t>::max()));
  }

  std::int64_t signed_number() { return unzigzag(number()); }

  bool yes_or_no() { return number(1) == 1; }

  /// One of an enumeration's values, which go from `first` to `last`.
  template <class E>
  E one_of(E first, E last) {
    const auto n = number(static_cast<std::uint64_t>(last));
    if (n < static_cast<std::uint64_t>(first))
      damaged("has a number that cannot be");
    return static_cast<E>(n);
  }

  /// The structure that the field is.
  tagged_reader structure(std::string_view what) { return {field_, what, path_, budget_}; }

  /// The field is not known.
  void unknown() {
    if (must_be_known_)
      throw state_error{
        {error_kind::incompatible, path_,
         std::string{what_} + " has a field " + std::to_string(id_)
           + " that a newer weir has written and that must be understood; use that one"}};
  }

  void charge(std::size_t bytes) {
    if (!budget_.take(bytes))
      damaged("asks for more memory than a manifest of its size may");
  }

  [[noreturn]] void damaged(std::string_view cause) const {
    throw state_error{{error_kind::damaged, path_, std::string{what_} + " " + std::string{cause}}};
  }

private:
  std::uint64_t varint(std::string_view& from) const {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(from.front());
      from.remove_prefix(1);
      if ((shift == 63 && byte > 1) || (shift > 0 && byte == 0))
        break;
      n |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80)
        return n;
    }
    damaged("is cut off, or has a number that nobody writes");
  }

  std::string_view rest_;
  std::string_view what_;
  const std::string& path_;
  memory_budget& budget_;
  std::string_view field_;
  std::uint32_t id_ = 0;
  bool must_be_known_ = false;
};

} // namespace weir::detail
