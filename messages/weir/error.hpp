// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Errors as values. Everything in weir that can go wrong says so with an `error`: its kind (what a
/// retry strategy or a program decides by), the thing that it is about (a file, an operator, a
/// parameter, a pool) and a message that a person can act on. Plain values; any thread.

#include <string>
#include <string_view>
#include <utility>
#include <variant>

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

/// What went wrong, with what, and what to do about it.
class error {
public:
  error() = default;

  /// `kind`: see `error_kind`. `thing`: the name of what it is about. `message`: a sentence for a
  /// person; says what to do where that is known.
  error(std::string_view kind, std::string thing, std::string message)
    : kind_(kind), thing_(std::move(thing)), message_(std::move(message)) {}

  const std::string& kind() const noexcept { return kind_; }
  const std::string& thing() const noexcept { return thing_; }
  const std::string& message() const noexcept { return message_; }

  bool is(std::string_view kind) const noexcept { return kind_ == kind; }

  /// One line: `thing: message (kind)`.
  std::string text() const {
    std::string line = thing_.empty() ? std::string{} : thing_ + ": ";
    line += message_.empty() ? "failed" : message_;
    return line + " (" + kind_ + ")";
  }

  friend bool operator==(const error&, const error&) = default;

private:
  std::string kind_;
  std::string thing_;
  std::string message_;
};

/// Either a value or the error that stands in its place. `std::expected` in small, until the
/// standard library has it.
template <class T>
class [[nodiscard]] expected {
public:
  expected(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  expected(error why) : state_(std::in_place_index<1>, std::move(why)) {}

  bool has_value() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  /// Only where `has_value()`.
  T& operator*() & { return std::get<0>(state_); }
  const T& operator*() const& { return std::get<0>(state_); }
  T&& operator*() && { return std::get<0>(std::move(state_)); }
  T* operator->() { return &std::get<0>(state_); }
  const T* operator->() const { return &std::get<0>(state_); }

  /// Only where not `has_value()`.
  const error& why() const& { return std::get<1>(state_); }
  error&& why() && { return std::get<1>(std::move(state_)); }

private:
  std::variant<T, error> state_;
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
