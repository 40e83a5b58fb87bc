// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The user's function of an async wait operator, in the forms that weir takes. Each parallel instance
/// has a copy of its own, called for one record at a time, on the operator's thread, retries included;
/// it starts a call and returns without waiting for it.

#include "weir/error.hpp"
#include "weir/function_context.hpp"
#include "weir/result_future.hpp"
#include "weir/task.hpp"

#include <concepts>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

struct async_function_tag {};

} // namespace detail

/// Base of functions that are classes: says what goes in and comes out, and gives defaults.
///
///     struct airport_lookup : weir::async_function<flight, enriched_flight> {
///       void async_invoke(const flight& of, weir::result_future<enriched_flight> done);
///     };
///
/// or, as a coroutine, `weir::task<enriched_flight> async_invoke(const flight& of)`.
///
/// `done.idempotency_key()` tells a store which calls are the same record's (idempotency_key.hpp).
///
/// A derived class may also have, public and not overloaded,
/// * `expected<void> open(function_context&)`: once, before all else; an error fails the job.
///   The place to bind client pools and to get counters of its own (function_context.hpp);
/// * `void timeout(const In&, result_future<Out>)`: the timeout hook, when the record's timeout has
///   passed and it is not finished. What it completes with before it returns is final; a later
///   completion counts only while the record's call still runs. Without a hook, or where it
///   completes nothing and no call runs, the record fails with the kind `timeout_error`;
/// * `std::optional<Out> fallback(const In&, const error&)`: when a record has failed for good, its
///   timeout included, before `on_failure` is asked: a result in the error's place, or nothing. Must
///   not wait; what it throws becomes the record's final error;
/// * `void close()`: once after a successful `open`, whatever happened.
template <class In, class Out>
class async_function : detail::async_function_tag {
public:
  using input_type = In;
  using output_type = Out;

  expected<void> open(function_context&) { return {}; }
  void close() {}
};

namespace detail {

/// The parts of a call operator's type.
template <class T>
struct call_operator;
template <class C, class R, class... As>
struct call_operator<R (C::*)(As...)> {
  using result = R;
  using arguments = std::tuple<As...>;
};
template <class C, class R, class... As>
struct call_operator<R (C::*)(As...) const> : call_operator<R (C::*)(As...)> {};
template <class C, class R, class... As>
struct call_operator<R (C::*)(As...) noexcept> : call_operator<R (C::*)(As...)> {};
template <class C, class R, class... As>
struct call_operator<R (C::*)(As...) const noexcept> : call_operator<R (C::*)(As...)> {};

/// How a parameter that can be given a `const In&` may be written.
template <class A>
concept record_parameter
  = !std::is_reference_v<A>
    || (std::is_lvalue_reference_v<A> && std::is_const_v<std::remove_reference_t<A>>);

/// In and Out of a lambda, by what it gives and takes; empty where it is no async function.
template <class R, class Arguments>
struct callback_types {};
template <record_parameter A, class Out>
struct callback_types<void, std::tuple<A, result_future<Out>>> {
  using input_type = std::remove_cvref_t<A>;
  using output_type = Out;
};
template <record_parameter A, class Out>
struct callback_types<void, std::tuple<A, result_future<Out>&&>>
  : callback_types<void, std::tuple<A, result_future<Out>>> {};

template <class R, class Arguments>
struct task_types {};
template <class Out, record_parameter A>
struct task_types<task<Out>, std::tuple<A>> {
  using input_type = std::remove_cvref_t<A>;
  using output_type = Out;
};

template <template <class, class> class Types, class F>
using types_of = Types<typename call_operator<decltype(&F::operator())>::result,
                       typename call_operator<decltype(&F::operator())>::arguments>;

template <class F>
concept async_function_class = requires {
  typename F::input_type;
  typename F::output_type;
};

template <class F>
concept callback_lambda
  = !async_function_class<F> && requires { typename types_of<callback_types, F>::output_type; };

template <class F>
concept coroutine_lambda
  = !async_function_class<F> && requires { typename types_of<task_types, F>::output_type; };

/// A lambda as the class form.
template <class F>
class lambda_function {
public:
  using input_type = typename types_of<callback_types, F>::input_type;
  using output_type = typename types_of<callback_types, F>::output_type;

  explicit lambda_function(F f) : f_(std::move(f)) {}

  expected<void> open(function_context&) { return {}; }
  void async_invoke(const input_type& in, result_future<output_type> done) {
    f_(in, std::move(done));
  }
  void close() {}

private:
  F f_;
};

/// Whether a member of this name is there, whatever its signature and access: beside another base that
/// has the name too it is ambiguous. Of a final class a private or overloaded one is not seen.
struct every_name {
  void timeout();
  void fallback();
};
template <class F>
struct beside_every_name final : F, every_name {};
template <class F>
concept names_timeout = (std::is_final_v<F> && requires { &F::timeout; })
                        || (!std::is_final_v<F> && !requires { &beside_every_name<F>::timeout; });
template <class F>
concept names_fallback = (std::is_final_v<F> && requires { &F::fallback; })
                         || (!std::is_final_v<F> && !requires { &beside_every_name<F>::fallback; });

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

/// Finds a hook that would silently never be called.
template <class F>
struct callable_hooks {
  static_assert(!names_timeout<F> || has_timeout_hook<F>,
                "a timeout hook must be public, and callable as timeout(const In&, "
                "weir::result_future<Out>)");
  static_assert(!names_fallback<F> || has_fallback<F>,
                "a fallback must be public, callable as fallback(const In&, const weir::error&), and "
                "return a std::optional<Out>");
};

/// Likewise for what every function has.
template <class F>
struct callable_life {
  static_assert(
    requires(F f, function_context& context) {
      { f.open(context) } -> std::same_as<expected<void>>;
    }, "open must be public, and is weir::expected<void> open(weir::function_context&)");
  static_assert(requires(F f) { f.close(); }, "close must be public, and is void close()");
};

template <class F>
concept coroutine_class = async_function_class<F> && requires(F f, const typename F::input_type& in) {
  { f.async_invoke(in) } -> std::same_as<task<typename F::output_type>>;
};

/// A lambda that is a coroutine, as a class.
template <class F>
class coroutine_lambda_class {
public:
  using input_type = typename types_of<task_types, F>::input_type;
  using output_type = typename types_of<task_types, F>::output_type;

  explicit coroutine_lambda_class(F f) : f_(std::move(f)) {}

  expected<void> open(function_context&) { return {}; }
  task<output_type> async_invoke(const input_type& in) { return f_(in); }
  void close() {}

private:
  F f_;
};

/// A class whose calls are coroutines, as the class form: keeps the coroutine of each call that runs.
template <class F>
class coroutine_function {
public:
  using input_type = typename F::input_type;
  using output_type = typename F::output_type;

  static_assert(sizeof(callable_hooks<F>) > 0);

  explicit coroutine_function(F f) : f_(std::move(f)) {}

  /// A copy has no calls.
  coroutine_function(const coroutine_function& other)
  requires std::is_copy_constructible_v<F>
    : f_(other.f_) {}
  coroutine_function& operator=(const coroutine_function&) = delete;

  ~coroutine_function() { end_all(); }

  expected<void> open(function_context& context) { return f_.open(context); }

  void async_invoke(const input_type& in, result_future<output_type> done) {
    const auto slot = done.slot();
    auto made = f_.async_invoke(in);
    if (slot >= running_.size())
      running_.resize(slot + 1);
    const auto begun = made.release();
    running_[slot] = begun;
    begun.promise().begin(std::move(done));
    forget_ended(slot);
  }

  void timeout(const input_type& in, result_future<output_type> done)
  requires has_timeout_hook<F>
  {
    f_.timeout(in, std::move(done));
  }

  std::optional<output_type> fallback(const input_type& in, const error& why)
  requires has_fallback<F>
  {
    return f_.fallback(in, why);
  }

  void close() {
    end_all();
    f_.close();
  }

  // -- for the machine --

  /// The coroutine of the call in this slot may go on.
  void resume(std::uint32_t slot) {
    if (slot < running_.size() && running_[slot]) {
      running_[slot].promise().go_on();
      forget_ended(slot);
    }
  }

  /// Nobody waits for the call in this slot any more.
  void cancel(std::uint32_t slot) noexcept {
    if (slot < running_.size() && running_[slot])
      std::exchange(running_[slot], nullptr).promise().give_up();
  }

private:
  void forget_ended(std::uint32_t slot) noexcept {
    if (running_[slot].done())
      std::exchange(running_[slot], nullptr).destroy();
  }

  void end_all() noexcept {
    for (std::uint32_t slot = 0; slot < running_.size(); ++slot)
      cancel(slot);
  }

  F f_;
  std::vector<typename task<output_type>::handle> running_;
};

/// Whether the class form of `F` is `F` itself.
template <class F>
concept callback_class
  = async_function_class<F>
    && requires(F f, const typename F::input_type& in, result_future<typename F::output_type> done) {
         f.async_invoke(in, std::move(done));
       };

template <class F>
concept has_one_call_operator = requires { &F::operator(); };

/// Whether a lambda's coroutine is one that only another coroutine may await.
template <class F>
concept subtask_lambda
  = has_one_call_operator<F>
    && is_subtask<typename call_operator<decltype(&F::operator())>::result>;

template <class F>
struct function_form {
  static_assert(!async_function_class<F> || callback_class<F>,
                "the class of an async function has, public, void async_invoke(const In&, "
                "weir::result_future<Out>) or weir::task<Out> async_invoke(const In&), with the In and Out of "
                "its base weir::async_function<In, Out>");
  static_assert(async_function_class<F> || !std::is_base_of_v<async_function_tag, F>,
                "the class of an async function must derive from weir::async_function<In, Out> publicly");
  static_assert(async_function_class<F> || std::is_base_of_v<async_function_tag, F>
                  || has_one_call_operator<F>,
                "an async function is a class or a lambda that says what it takes: write its parameters "
                "without auto, as (const In&, weir::result_future<Out>), or (const In&) -> weir::task<Out>");
  static_assert(!subtask_lambda<F>,
                "an async function that is a coroutine returns a weir::task; a weir::subtask is what another "
                "coroutine awaits");
  static_assert(async_function_class<F> || !has_one_call_operator<F> || subtask_lambda<F>,
                "a lambda that is an async function is void(const In&, weir::result_future<Out>) or "
                "weir::task<Out>(const In&), with In by const reference or by value");
};
template <callback_class F>
struct function_form<F> : callable_life<F> {
  using type = F;
};
template <callback_lambda F>
struct function_form<F> {
  using type = lambda_function<F>;
};
template <coroutine_class F>
struct function_form<F> : callable_life<F> {
  using type = coroutine_function<F>;
};
template <coroutine_lambda F>
struct function_form<F> {
  using type = coroutine_function<coroutine_lambda_class<F>>;
};

/// Makes the class form.
template <class F>
auto form_of(F f) {
  if constexpr (coroutine_lambda<F>)
    return coroutine_function<coroutine_lambda_class<F>>{coroutine_lambda_class<F>{std::move(f)}};
  else
    return typename function_form<F>::type(std::move(f));
}

/// Whether the calls of a class form are coroutines.
template <class F>
concept has_coroutines = requires(F f) {
  f.resume(std::uint32_t{});
  f.cancel(std::uint32_t{});
};

} // namespace detail

/// The class form of function `F`: `F` itself, a wrapper of a lambda
/// `(const In&, weir::result_future<Out>)`, or one of a coroutine `(const In&) -> weir::task<Out>`.
template <class F>
using function_form_t = typename detail::function_form<F>::type;

} // namespace weir
