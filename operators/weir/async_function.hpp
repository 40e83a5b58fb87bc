// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The user's function of an async wait operator, in the forms that weir takes. Each parallel instance
/// has a copy of its own, called for one record at a time, on the operator's thread, retries included;
/// it starts a call and returns without waiting for it.

#include "weir/error.hpp"
#include "weir/function_context.hpp"
#include "weir/result_future.hpp"

#include <concepts>
#include <optional>
#include <type_traits>

namespace weir {

/// Base of functions that are classes: says what goes in and comes out, and gives defaults.
///
///     struct airport_lookup : weir::async_function<flight, enriched_flight> {
///       void async_invoke(const flight& of, weir::result_future<enriched_flight> done);
///     };
///
/// A derived class may also have, public and not overloaded,
/// * `expected<void> open(function_context&)`: once, before all else; an error fails the job;
/// * `void timeout(const In&, result_future<Out>)`: the timeout hook, when the record's timeout has
///   passed and it is not finished. What it completes with before it returns is final; a later
///   completion counts only while the record's call still runs. Without a hook, or where it
///   completes nothing and no call runs, the record fails with the kind `timeout_error`;
/// * `std::optional<Out> fallback(const In&, const error&)`: when a record has failed for good, its
///   timeout included, before `on_failure` is asked: a result in the error's place, or nothing. Must
///   not wait; what it throws becomes the record's final error;
/// * `void close()`: once after a successful `open`, whatever happened.
template <class In, class Out>
class async_function {
public:
  using input_type = In;
  using output_type = Out;

  expected<void> open(function_context&) { return {}; }
  void close() {}
};

namespace detail {

template <class T>
struct callable_types;

template <class C, class In, class Out>
struct callable_types<void (C::*)(const In&, result_future<Out>) const> {
  using input_type = In;
  using output_type = Out;
};
template <class C, class In, class Out>
struct callable_types<void (C::*)(const In&, result_future<Out>)>
  : callable_types<void (C::*)(const In&, result_future<Out>) const> {};
template <class C, class In, class Out>
struct callable_types<void (C::*)(In, result_future<Out>) const>
  : callable_types<void (C::*)(const In&, result_future<Out>) const> {};
template <class C, class In, class Out>
struct callable_types<void (C::*)(In, result_future<Out>)>
  : callable_types<void (C::*)(const In&, result_future<Out>) const> {};

template <class F>
concept async_function_class = requires {
  typename F::input_type;
  typename F::output_type;
};

template <class F>
concept async_function_lambda = requires { &F::operator(); } && !async_function_class<F>;

/// A lambda as the class form.
template <class F>
class lambda_function {
public:
  using input_type = typename callable_types<decltype(&F::operator())>::input_type;
  using output_type = typename callable_types<decltype(&F::operator())>::output_type;

  explicit lambda_function(F f) : f_(std::move(f)) {}

  expected<void> open(function_context&) { return {}; }
  void async_invoke(const input_type& in, result_future<output_type> done) {
    f_(in, std::move(done));
  }
  void close() {}

private:
  F f_;
};

template <class F>
struct function_form {
  using type = F;
};
template <async_function_lambda F>
struct function_form<F> {
  using type = lambda_function<F>;
};

/// Whether a member of this name is there, whatever its signature; not seen where it is overloaded or
/// private.
template <class F>
concept names_timeout = requires { &F::timeout; };
template <class F>
concept names_fallback = requires { &F::fallback; };

/// Whether the function has a timeout hook.
template <class F>
concept has_timeout_hook
  = requires(F f, const typename F::input_type& in, result_future<typename F::output_type> done) {
      f.timeout(in, std::move(done));
    };

/// Whether the function may give a result in the place of a final error.
template <class F>
concept has_fallback = requires(F f, const typename F::input_type& in, const error& why) {
  { f.fallback(in, why) } -> std::same_as<std::optional<typename F::output_type>>;
};

} // namespace detail

/// The class form of function `F`: `F` itself, or a wrapper of a lambda
/// `(const In&, weir::result_future<Out>)`.
template <class F>
using function_form_t = typename detail::function_form<F>::type;

} // namespace weir
