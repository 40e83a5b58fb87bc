// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A function object with one owner: what `std::function` is, but for callables that can only be moved
/// (they hold a result future), and without an allocation for those that hold at most
/// `unique_function_bytes`. Not thread-safe: whoever owns it calls, moves and destroys it.
/// Shown by tests/messages/unique_function_test.cpp.

#include <cassert>
#include <cstddef>
#include <functional>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace weir {

/// Callables of this size and less are kept inside the function object.
inline constexpr std::size_t unique_function_bytes = 64;

template <class Signature>
class unique_function;

/// Empty, or the only owner of something that is called with `Args...` and gives an `R`.
template <class R, class... Args>
class unique_function<R(Args...)> {
public:
  /// Empty.
  unique_function() noexcept = default;
  unique_function(std::nullptr_t) noexcept {}

  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>,
                           unique_function> && std::is_invocable_r_v<R, std::decay_t<F>&, Args...>)
    unique_function(F&& f) {
    put(std::forward<F>(f));
  }

  unique_function(unique_function&& other) noexcept { take(other); }

  unique_function& operator=(unique_function&& other) noexcept {
    if (this != &other) {
      reset();
      take(other);
    }
    return *this;
  }

  ~unique_function() { reset(); }

  /// Makes `f` its callable, in its place. Empty where that throws.
  template <class F>
  requires(std::is_invocable_r_v<R, std::decay_t<F>&, Args...>) void emplace(F&& f) {
    reset();
    if constexpr (std::is_same_v<std::remove_cvref_t<F>, unique_function>)
      take(f);
    else
      put(std::forward<F>(f));
  }

  /// Destroys the callable; empty afterwards.
  void reset() noexcept {
    if (verbs_ != nullptr)
      std::exchange(verbs_, nullptr)->destroy(place_);
  }

  explicit operator bool() const noexcept { return verbs_ != nullptr; }

  /// Must not be empty.
  R operator()(Args... args) {
    assert(verbs_ != nullptr);
    return verbs_->call(place_, std::forward<Args>(args)...);
  }

private:
  struct verbs {
    R (*call)(void*, Args&&...);
    void (*move)(void* from, void* to) noexcept;
    void (*destroy)(void*) noexcept;
  };

  // Moving a function object must not throw, so neither may moving what lies inside it.
  template <class F>
  static constexpr bool fits_inside
    = sizeof(F) <= unique_function_bytes && alignof(F) <= alignof(std::max_align_t)
      && std::is_nothrow_move_constructible_v<F>;

  template <class F>
  static F& at(void* place) noexcept {
    if constexpr (fits_inside<F>)
      return *std::launder(static_cast<F*>(place));
    else
      return **static_cast<F**>(place);
  }

  template <class F>
  static R call(void* place, Args&&... args) {
    if constexpr (std::is_void_v<R>)
      std::invoke(at<F>(place), std::forward<Args>(args)...);
    else
      return std::invoke(at<F>(place), std::forward<Args>(args)...);
  }

  template <class F>
  static constexpr verbs inside{
    &call<F>,
    [](void* from, void* to) noexcept {
      ::new (to) F(std::move(at<F>(from)));
      std::destroy_at(&at<F>(from));
    },
    [](void* place) noexcept { std::destroy_at(&at<F>(place)); },
  };

  template <class F>
  static constexpr verbs outside{
    &call<F>,
    [](void* from, void* to) noexcept { ::new (to) F*(&at<F>(from)); },
    [](void* place) noexcept { delete &at<F>(place); },
  };

  /// Of one that is empty.
  template <class F>
  void put(F&& f) {
    using callable = std::decay_t<F>;
    if constexpr (fits_inside<callable>) {
      ::new (static_cast<void*>(place_)) callable(std::forward<F>(f));
      verbs_ = &inside<callable>;
    } else {
      ::new (static_cast<void*>(place_)) callable*(new callable(std::forward<F>(f)));
      verbs_ = &outside<callable>;
    }
  }

  void take(unique_function& other) noexcept {
    verbs_ = std::exchange(other.verbs_, nullptr);
    if (verbs_ != nullptr)
      verbs_->move(other.place_, place_);
  }

  alignas(std::max_align_t) std::byte place_[unique_function_bytes];
  const verbs* verbs_ = nullptr;
};

} // namespace weir
