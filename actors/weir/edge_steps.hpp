// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The steps that an edge can have, around a user's function. A function gets `const T&` where it takes
/// that, else an rvalue of its own. See `edge_step`. tests/actors/edge_steps_test.cpp.

#include "weir/edge_step.hpp"
#include "weir/record_name.hpp"

#include <concepts>
#include <functional>
#include <ranges>
#include <type_traits>
#include <utility>

namespace weir {

namespace detail {

/// Whether `F` can look at a record without taking it.
template <class F, class T>
inline constexpr bool looks_only_v = std::is_invocable_v<F&, const T&>;

template <class F, class T>
decltype(auto) apply_to_record(F& f, T& record) {
  if constexpr (looks_only_v<F, T>)
    return std::invoke(f, std::as_const(record));
  else
    return std::invoke(f, std::move(record));
}

/// Whether `F` can be called with a record at all.
template <class F, class T>
concept takes_record = std::is_invocable_v<F&, const T&> || std::is_invocable_v<F&, T&&>;

template <class F, class T>
using applied_t = decltype(apply_to_record(std::declval<F&>(), std::declval<T&>()));

template <class F, class T>
concept gives_range = std::ranges::input_range<applied_t<F, T>>;

/// What a function's answer is as a record.
template <class F, class T>
using mapped_t = std::remove_cvref_t<applied_t<F, T>>;

/// `act(i, origin)` for each record of a batch; what it throws becomes the failure of `step` at that
/// record. One that may have been moved from is named by its origin alone.
template <bool Intact, class T, class Act>
std::optional<step_failure> for_each_record(const batch<T>& in, std::string_view step, Act act) {
  origin_runs::cursor origins;
  origin from;
  std::size_t i = 0;
  try {
    for (; i < in.records(); ++i) {
      from = origins.at(in.origins(), i);
      act(i, from);
    }
    return {};
  } catch (...) {
    auto thrown = std::current_exception();
    if constexpr (Intact)
      return step_failure{std::move(thrown), step, name_of_record(in.value(i), from)};
    else
      return step_failure{std::move(thrown), step, "record " + from.text()};
  }
}

} // namespace detail

/// Each record becomes another one, with its event time and origin.
template <class T, class F>
class map_step final : public edge_step {
public:
  using output_type = detail::mapped_t<F, T>;
  static_assert(!std::is_void_v<output_type>, "the function of map gives nothing");

  explicit map_step(F f) : f_(std::move(f)) {}

  bool multiplies() const noexcept override { return false; }
  std::unique_ptr<batch_base> output_batch() const override {
    return std::make_unique<batch<output_type>>();
  }

  std::optional<step_failure> run(batch_base& in, batch_base& out) override {
    auto& from = static_cast<batch<T>&>(in);
    auto& to = static_cast<batch<output_type>&>(out);
    return detail::for_each_record<detail::looks_only_v<F, T>>(
      from, "map", [&](std::size_t i, const origin& at) {
        to.append(detail::apply_to_record(f_, from.value(i)), from.timestamp(i), at);
      });
  }

private:
  F f_;
};

/// Records for which the function says yes go on.
template <class T, class F>
  requires std::predicate<F&, const T&>
class filter_step final : public edge_step {
public:
  explicit filter_step(F f) : f_(std::move(f)) {}

  bool multiplies() const noexcept override { return false; }
  std::unique_ptr<batch_base> output_batch() const override { return std::make_unique<batch<T>>(); }

  std::optional<step_failure> run(batch_base& in, batch_base& out) override {
    auto& from = static_cast<batch<T>&>(in);
    auto& to = static_cast<batch<T>&>(out);
    return detail::for_each_record<true>(from, "filter", [&](std::size_t i, const origin& at) {
      if (std::invoke(f_, std::as_const(from.value(i))))
        to.append(std::move(from.value(i)), from.timestamp(i), at);
    });
  }

private:
  F f_;
};

/// Each record becomes those of a range, none or more, with its event time; they stay together.
template <class T, class F>
  requires detail::gives_range<F, T>
class flat_map_step final : public edge_step {
public:
  using range = detail::applied_t<F, T>;
  using output_type = std::ranges::range_value_t<range>;

  explicit flat_map_step(F f) : f_(std::move(f)) {}

  bool multiplies() const noexcept override { return true; }
  std::unique_ptr<batch_base> output_batch() const override {
    return std::make_unique<batch<output_type>>();
  }

  std::optional<step_failure> run(batch_base& in, batch_base& out) override {
    auto& from = static_cast<batch<T>&>(in);
    auto& to = static_cast<batch<output_type>&>(out);
    return detail::for_each_record<detail::looks_only_v<F, T>>(
      from, "flat_map", [&](std::size_t i, const origin& at) {
        std::uint64_t index = 0;
        range&& all = detail::apply_to_record(f_, from.value(i));
        for (auto&& each : all)
          to.append(owned(each), from.timestamp(i), at.child(index++));
      });
  }

private:
  /// An element of a container that was made for us may be taken; one that lies elsewhere may not.
  static constexpr bool takes = !std::is_reference_v<range> && !std::ranges::view<range>
                                && !std::is_const_v<range>;

  template <class E>
  static output_type owned(E& element) {
    if constexpr (takes)
      return static_cast<output_type>(std::move(element));
    else
      return static_cast<output_type>(element);
  }

  F f_;
};

/// Keys by a function, or a member, of the records.
template <class T, class F>
  requires std::invocable<F&, const T&>
class typed_key_reader final : public key_reader {
public:
  using key_type = std::remove_cvref_t<std::invoke_result_t<F&, const T&>>;

  explicit typed_key_reader(F f) : f_(std::move(f)) {}

  std::optional<step_failure> read(const batch_base& of, std::vector<key_hash>& keys) override {
    const auto& from = static_cast<const batch<T>&>(of);
    return detail::for_each_record<true>(from, "key_by", [&](std::size_t i, const origin&) {
      keys.push_back(hash_of_key<key_type>(std::invoke(f_, from.value(i))));
    });
  }

private:
  F f_;
};

template <class T, class F>
step_maker map_of(F f) {
  return [f = std::move(f)] { return std::make_unique<map_step<T, F>>(f); };
}

template <class T, class F>
step_maker filter_of(F f) {
  return [f = std::move(f)] { return std::make_unique<filter_step<T, F>>(f); };
}

template <class T, class F>
step_maker flat_map_of(F f) {
  return [f = std::move(f)] { return std::make_unique<flat_map_step<T, F>>(f); };
}

template <class T, class F>
key_reader_maker keys_of(F f) {
  return [f = std::move(f)] { return std::make_unique<typed_key_reader<T, F>>(f); };
}

} // namespace weir
