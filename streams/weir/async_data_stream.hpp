// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Puts an asynchronous call into a stream: for every record the function starts a call, many are under
/// way at once, and the results flow on in the order of the records (`ordered_wait`), in that of each
/// key's records (`key_ordered_wait`), or as they come (`unordered_wait`); the latter two never past a
/// watermark. Used by the thread that builds the job.
///
///     auto enriched = weir::async_data_stream::ordered_wait(
///         flights, airport_lookup{pool}, {.name = "airports", .timeout = 1s, .capacity = 100});
///
/// What is wrong with the options is reported by `environment::check` and `execute`.

#include "weir/async_function.hpp"
#include "weir/operator_body.hpp"
#include "weir/stream.hpp"

#include <concepts>
#include <cstdint>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>

namespace weir {

/// What comes out of an async wait operator.
template <class In, class Out>
class async_stream : public stream<Out> {
public:
  async_stream(const stream<Out>& results, const stream<dead_letter<In>>& failed)
    : stream<Out>(results), dead_letters_(failed) {}

  /// Records that failed for good, where the options make them dead letters.
  stream<dead_letter<In>> dead_letters() const { return dead_letters_; }

  /// Instances of the operator, and of the transformations that follow it; as the option of this name.
  async_stream parallelism(std::uint32_t instances) const {
    auto& stage = this->plan()->stages[this->edges().front().from];
    stage.parallelism = instances;
    std::get<operator_plan>(stage.what).options.parallelism = instances;
    return *this;
  }

  /// Something that the operator's results hang on and the library cannot see, by its name: the query that
  /// the function asks, the store's address, what records are ordered by (`order_key`). It changes nothing in
  /// what runs: a start that goes on from a checkpoint says which of them are others than they were. Stored as
  /// a hash.
  async_stream with_setting(std::string name, std::string text) const {
    this->plan()->stages[this->edges().front().from].settings.emplace_back(std::move(name),
                                                                           std::move(text));
    return *this;
  }

private:
  stream<dead_letter<In>> dead_letters_;
};

namespace detail {

/// False; hangs on the template's parameter, so that an assertion fails where it is used.
template <class>
inline constexpr bool is_keyed_v = false;

/// Finds predicates that look at results of another type than the operator's.
template <class Out>
void check_predicates(job_plan& plan, const operator_options& options) {
  if (!options.retry.if_result().takes(typeid(Out)))
    plan.mistakes.emplace_back(error_kind::argument, "operator " + options.name,
                               "retry.if_result looks at results of another type than the operator's");
}

template <class In, class F>
auto async_wait(const stream<In>& in, F function, operator_options options, output_mode mode) {
  using form = function_form_t<F>;
  using out = typename form::output_type;
  static_assert(std::same_as<typename form::input_type, In>,
                "the function takes another type of record than the stream has");
  static_assert(std::copy_constructible<form>,
                "the function must be copyable: each parallel instance has a copy of its own");
  const auto& plan = in.plan();
  const auto stage = plan->stages.size();
  check_predicates<out>(*plan, options);
  in.connect_to(stage);
  operator_plan what{options, mode,
                     [prototype = detail::form_of(std::move(function))](operator_parts parts) {
                       return std::make_unique<async_operator_body<form>>(std::move(parts),
                                                                          prototype);
                     }};
  what.types = {&typeid(In), &typeid(out)};
  plan->stages.push_back({options.name, options.parallelism, std::move(what)});
  return async_stream<In, out>{{plan, stage, output_kind::results},
                               {plan, stage, output_kind::dead_letters}};
}

} // namespace detail

namespace async_data_stream {

/// Results leave in the order in which their records arrived.
///
/// `function`: a class derived from `async_function<In, Out>`, or a lambda
/// `(const In&, weir::result_future<Out>)`. It is copied: once for each parallel instance.
template <class In, class F>
auto ordered_wait(const stream<In>& in, F function, operator_options options) {
  return detail::async_wait(in, std::move(function), std::move(options), output_mode::ordered);
}

/// Results leave when they are there; watermarks and statuses keep their place among them.
template <class In, class F>
auto unordered_wait(const stream<In>& in, F function, operator_options options) {
  return detail::async_wait(in, std::move(function), std::move(options), output_mode::unordered);
}

/// Like `unordered_wait`, but records of one key are called one after the other, and leave, in the order
/// in which they arrived: one that is slow or retried holds back its own key alone.
template <class In, class K, class F>
auto key_ordered_wait(const keyed_stream<In, K>& in, F function, operator_options options) {
  return detail::async_wait<In>(in, std::move(function), std::move(options),
                                output_mode::key_ordered);
}

/// Keys are wanted: this one only says so.
template <class In, class F>
void key_ordered_wait(const stream<In>&, F, operator_options) {
  static_assert(detail::is_keyed_v<F>,
                "key_ordered_wait takes a keyed stream: put key_by(...) in front of it");
}

} // namespace async_data_stream

} // namespace weir
