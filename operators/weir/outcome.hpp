// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a call came to, on its way from a result future to the record's entry. Plain values; any thread.

#include "weir/call_id.hpp"
#include "weir/error.hpp"
#include "weir/held_bytes.hpp"
#include "weir/unique_function.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

namespace weir {

/// Gives the results of a call when it is asked, on the operator's thread.
template <class Out>
using supplier = unique_function<expected<std::vector<Out>>()>;

/// What an outcome holds.
enum class outcome_kind : std::uint8_t { no_result, one_result, several_results, failed, supplied };

/// Says which of them an outcome is made with.
template <outcome_kind Kind>
struct outcome_tag {};
inline constexpr outcome_tag<outcome_kind::no_result> no_result{};
inline constexpr outcome_tag<outcome_kind::one_result> one_result{};
inline constexpr outcome_tag<outcome_kind::several_results> several_results{};
inline constexpr outcome_tag<outcome_kind::failed> failed_outcome{};
inline constexpr outcome_tag<outcome_kind::supplied> supplied_outcome{};

/// Nothing, one result, several, an error, or who supplies one of these. Not a `std::variant`: that moves
/// and destroys through tables of functions, and every completion is moved more than once.
template <class Out>
class outcome {
public:
  outcome() noexcept {}

  template <outcome_kind Kind, class... Ts>
  explicit outcome(outcome_tag<Kind> tag, Ts&&... parts) {
    make(tag, std::forward<Ts>(parts)...);
  }

  outcome(outcome&& other) noexcept { take(other); }

  outcome& operator=(outcome&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }

  ~outcome() { reset(); }

  outcome_kind kind() const noexcept { return kind_; }

  /// Destroys what it holds and makes something else in its place.
  template <outcome_kind Kind, class... Ts>
  void emplace(outcome_tag<Kind> tag, Ts&&... parts) {
    reset();
    make(tag, std::forward<Ts>(parts)...);
  }

  /// Makes it one without results.
  void reset() noexcept {
    if (kind_ == outcome_kind::one_result) [[likely]]
      std::destroy_at(&one_);
    else if (kind_ != outcome_kind::no_result)
      destroy_other();
    kind_ = outcome_kind::no_result;
  }

  // -- what it holds; null where it is something else --

  Out* one() noexcept { return kind_ == outcome_kind::one_result ? &one_ : nullptr; }
  const Out* one() const noexcept { return kind_ == outcome_kind::one_result ? &one_ : nullptr; }
  std::vector<Out>* several() noexcept {
    return kind_ == outcome_kind::several_results ? &several_ : nullptr;
  }
  const std::vector<Out>* several() const noexcept {
    return kind_ == outcome_kind::several_results ? &several_ : nullptr;
  }
  error* why() noexcept { return kind_ == outcome_kind::failed ? failed_.get() : nullptr; }
  const error* why() const noexcept { return kind_ == outcome_kind::failed ? failed_.get() : nullptr; }
  supplier<Out>* supplied() noexcept {
    return kind_ == outcome_kind::supplied ? supplied_.get() : nullptr;
  }

  // -- what it means --

  /// Whether the call came to an end without an error: there may be results, or none.
  bool has_results() const noexcept { return kind_ <= outcome_kind::several_results; }

  /// Whether it is a completion without results.
  bool is_empty() const noexcept {
    return kind_ == outcome_kind::no_result
           || (kind_ == outcome_kind::several_results && several_.empty());
  }

  /// Whether a result future was destroyed without being completed.
  bool is_abandoned() const noexcept {
    return kind_ == outcome_kind::failed && failed_->is(error_kind::abandoned);
  }

  /// The results of a completion that is none of the others.
  std::span<const Out> results() const noexcept {
    if (kind_ == outcome_kind::one_result)
      return {&one_, 1};
    if (kind_ == outcome_kind::several_results)
      return several_;
    return {};
  }

  /// Bytes that the results hold.
  std::size_t bytes() const {
    if (kind_ == outcome_kind::one_result)
      return value_bytes(one_);
    if (kind_ == outcome_kind::several_results)
      return value_bytes(several_);
    return 0;
  }

private:
  void make(outcome_tag<outcome_kind::no_result>) noexcept {}
  template <class... Ts>
  void make(outcome_tag<outcome_kind::one_result>, Ts&&... parts) {
    std::construct_at(&one_, std::forward<Ts>(parts)...);
    kind_ = outcome_kind::one_result;
  }
  void make(outcome_tag<outcome_kind::several_results>, std::vector<Out> results) {
    std::construct_at(&several_, std::move(results));
    kind_ = outcome_kind::several_results;
  }
  void make(outcome_tag<outcome_kind::failed>, std::unique_ptr<error> why) noexcept {
    std::construct_at(&failed_, std::move(why));
    kind_ = outcome_kind::failed;
  }
  void make(outcome_tag<outcome_kind::failed> tag, error why) {
    make(tag, std::make_unique<error>(std::move(why)));
  }
  void make(outcome_tag<outcome_kind::supplied>, supplier<Out> by) {
    std::construct_at(&supplied_, std::make_unique<supplier<Out>>(std::move(by)));
    kind_ = outcome_kind::supplied;
  }

  void take(outcome& other) noexcept {
    if (other.kind_ == outcome_kind::one_result) [[likely]] {
      std::construct_at(&one_, std::move(other.one_));
      kind_ = outcome_kind::one_result;
    } else if (other.kind_ != outcome_kind::no_result) {
      take_other(other);
    }
  }

  [[gnu::noinline]] void take_other(outcome& other) noexcept {
    kind_ = other.kind_;
    if (kind_ == outcome_kind::several_results)
      std::construct_at(&several_, std::move(other.several_));
    else if (kind_ == outcome_kind::failed)
      std::construct_at(&failed_, std::move(other.failed_));
    else
      std::construct_at(&supplied_, std::move(other.supplied_));
  }

  [[gnu::noinline]] void destroy_other() noexcept {
    if (kind_ == outcome_kind::several_results)
      std::destroy_at(&several_);
    else if (kind_ == outcome_kind::failed)
      std::destroy_at(&failed_);
    else
      std::destroy_at(&supplied_);
  }

  union {
    Out one_;
    std::vector<Out> several_;
    std::unique_ptr<error> failed_;
    std::unique_ptr<supplier<Out>> supplied_;
  };
  outcome_kind kind_ = outcome_kind::no_result;
};

/// A completion on its way to its entry.
template <class Out>
struct completion {
  template <outcome_kind Kind, class... Ts>
  completion(const call_id& of, outcome_tag<Kind> tag, Ts&&... parts)
    : id(of), with(tag, std::forward<Ts>(parts)...) {}

  completion(const call_id& of, outcome<Out>&& what) noexcept : id(of), with(std::move(what)) {}

  call_id id;
  outcome<Out> with;
};

} // namespace weir
