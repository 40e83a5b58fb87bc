// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Errors as values. Everything in weir that can go wrong says so with an `error`: its kind (what a
/// retry strategy or a program decides by), the thing that it is about (a file, an operator, a
/// parameter, a pool) and a message that a person can act on. Plain values; any thread.

#include <cassert>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace weir {

/// Kinds that weir itself gives. A user's function and a driver may use any other name.
namespace error_kind {
/// A parameter or setting breaks its rule. Found before anything starts.
inline constexpr std::string_view argument = "argument";
/// The record's timeout passed and the timeout hook gave nothing else.
inline constexpr std::string_view timeout = "timeout_error";
/// A result future was destroyed without having been completed.
inline constexpr std::string_view abandoned = "abandoned";
/// The user's code threw something; the message has its text.
inline constexpr std::string_view exception = "exception";
/// A lookup found no row and its `on_miss` is to fail.
inline constexpr std::string_view miss = "miss";
/// A record that cannot be read or used: not JSON, a key missing, a bad timestamp.
inline constexpr std::string_view bad_record = "bad_record";
/// The store says that the question itself is wrong. Asking again cannot help.
inline constexpr std::string_view rejected = "rejected";
/// The store cannot be reached or refuses the connection.
inline constexpr std::string_view refused = "refused";
/// The connection was lost while the call was under way.
inline constexpr std::string_view connection_lost = "connection_lost";
/// The store, or the way to it, is too busy to answer.
inline constexpr std::string_view overloaded = "overloaded";
/// The call was given up because its deadline passed, or because nobody waits for it any more.
inline constexpr std::string_view cancelled = "cancelled";
/// A fault of the store's or of a driver's inside.
inline constexpr std::string_view internal = "internal";
/// A service takes no records any more, or not yet: its job does not run, or its input has ended.
inline constexpr std::string_view closed = "closed";
/// A wait on a thread that runs stages, which would stop what it waits for.
inline constexpr std::string_view would_block = "would_block";
/// A file, a folder or a device does not do what is asked of it.
inline constexpr std::string_view io = "io";
/// Bytes are not those that were written.
inline constexpr std::string_view damaged = "damaged";
/// A job, a record type or a format is not the one that something was written by.
inline constexpr std::string_view incompatible = "incompatible";
} // namespace error_kind

/// What went wrong, with what, and what to do about it. As large as a pointer, since an error stands beside each value
/// that might not be there; an error has its words on the heap.
class error {
public:
  /// Says nothing: all its words are empty.
  error() = default;

  /// `kind`: see `error_kind`. `thing`: the name of what it is about. `message`: a sentence for a
  /// person; says what to do where that is known.
  error(std::string_view kind, std::string thing, std::string message)
    : words_(std::make_unique<words>(words{std::string{kind}, std::move(thing), std::move(message)})) {}

  error(const error& other)
    : words_(other.words_ != nullptr ? std::make_unique<words>(*other.words_) : nullptr) {}
  error(error&&) noexcept = default;
  error& operator=(const error& other) { return *this = error{other}; }
  error& operator=(error&&) noexcept = default;
  ~error() = default;

  const std::string& kind() const noexcept { return said().kind; }
  const std::string& thing() const noexcept { return said().thing; }
  const std::string& message() const noexcept { return said().message; }

  bool is(std::string_view kind) const noexcept { return said().kind == kind; }

  /// One line: `thing: message (kind)`.
  std::string text() const {
    const auto& of = said();
    std::string line = of.thing.empty() ? std::string{} : of.thing + ": ";
    line += of.message.empty() ? "failed" : of.message;
    return line + " (" + of.kind + ")";
  }

  friend bool operator==(const error& a, const error& b) noexcept { return a.said() == b.said(); }

private:
  struct words {
    std::string kind;
    std::string thing;
    std::string message;
    friend bool operator==(const words&, const words&) = default;
  };

  const words& said() const noexcept {
    static const words nothing{};
    return words_ != nullptr ? *words_ : nothing;
  }

  /// Null: nothing.
  std::unique_ptr<const words> words_;
};

/// Either a value or the error that stands in its place. `std::expected` in small, until the
/// standard library has it.
template <class T>
class [[nodiscard]] expected {
public:
  expected(T&& value) noexcept(std::is_nothrow_move_constructible_v<T>) : has_value_(true) {
    std::construct_at(&value_, std::move(value));
  }
  expected(const T& value) requires std::is_copy_constructible_v<T> : has_value_(true) {
    std::construct_at(&value_, value);
  }
  expected(error why) noexcept : has_value_(false) { std::construct_at(&error_, std::move(why)); }

  expected(const expected& other) requires std::is_copy_constructible_v<T> : has_value_(other.has_value_) {
    if (has_value_)
      std::construct_at(&value_, other.value_);
    else
      std::construct_at(&error_, other.error_);
  }
  expected(expected&& other) noexcept(std::is_nothrow_move_constructible_v<T>) { take(other); }
  expected& operator=(const expected& other) requires std::is_copy_constructible_v<T> {
    return *this = expected{other};
  }
  /// Where moving a value throws it has an error that says nothing.
  expected& operator=(expected&& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (this == &other)
      return *this;
    destroy();
    if constexpr (std::is_nothrow_move_constructible_v<T>) {
      take(other);
    } else {
      try {
        take(other);
      } catch (...) {
        std::construct_at(&error_);
        throw;
      }
    }
    return *this;
  }
  ~expected() { destroy(); }

  bool has_value() const noexcept { return has_value_; }
  explicit operator bool() const noexcept { return has_value_; }

  /// Only where `has_value()`.
  T& operator*() & noexcept { return there(); }
  const T& operator*() const& noexcept { return there(); }
  T&& operator*() && noexcept { return std::move(there()); }
  T* operator->() noexcept { return &there(); }
  const T* operator->() const noexcept { return &there(); }

  /// Only where not `has_value()`.
  const error& why() const& noexcept {
    assert(!has_value_);
    return error_;
  }
  error&& why() && noexcept {
    assert(!has_value_);
    return std::move(error_);
  }

private:
  T& there() noexcept {
    assert(has_value_);
    return value_;
  }
  const T& there() const noexcept {
    assert(has_value_);
    return value_;
  }
  /// Of one that has nothing.
  void take(expected& other) noexcept(std::is_nothrow_move_constructible_v<T>) {
    if (other.has_value_)
      std::construct_at(&value_, std::move(other.value_));
    else
      std::construct_at(&error_, std::move(other.error_));
    has_value_ = other.has_value_;
  }
  /// Leaves nothing; `has_value_` is false.
  void destroy() noexcept {
    if (std::exchange(has_value_, false))
      std::destroy_at(&value_);
    else
      std::destroy_at(&error_);
  }

  union {
    T value_;
    error error_;
  };
  bool has_value_ = false;
};

/// Success, or the error.
template <>
class [[nodiscard]] expected<void> {
public:
  expected() = default;
  expected(error why) : error_(std::move(why)), failed_(true) {}

  bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return has_value(); }

  /// Only where not `has_value()`.
  const error& why() const& { return error_; }
  error&& why() && { return std::move(error_); }

private:
  error error_;
  bool failed_ = false;
};

} // namespace weir
