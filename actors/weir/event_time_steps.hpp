// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where event times and watermarks are read from records, by a user's function or generator: calls
/// are per batch, and inside is a loop that knows the types. Each source instance has its own and
/// uses them on its thread. tests/actors/source_event_time_test.cpp.

#include "weir/edge_steps.hpp"
#include "weir/watermark_strategy.hpp"

#include <chrono>
#include <concepts>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

namespace detail {

inline event_time as_event_time(event_time at) {
  return at;
}

/// Milliseconds since the epoch.
template <std::integral N>
  requires(!std::same_as<N, bool>)
event_time as_event_time(N ms) {
  return event_time{static_cast<std::int64_t>(ms)};
}

/// Cut to the millisecond before it.
template <class D>
event_time as_event_time(std::chrono::sys_time<D> at) {
  return event_time{std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count()};
}

/// What says when a record happened.
template <class F, class T>
concept event_time_function = requires(F& f, const T& record) {
  detail::as_event_time(std::invoke(f, record));
};

} // namespace detail

/// Reads the event times of a batch's records.
class event_time_reader {
public:
  virtual ~event_time_reader() = default;

  /// Appends the event time of each record to `times`.
  virtual std::optional<step_failure> read(const batch_base& of,
                                           std::vector<event_time>& times) = 0;
};

/// A user's generator of watermarks.
class generator_body {
public:
  virtual ~generator_body() = default;

  /// Appends to `behind` what the generator says behind each record. `times` are the records' event
  /// times; none: those that they have.
  virtual std::optional<step_failure> on_records(const batch_base& of,
                                                 std::span<const event_time> times,
                                                 std::vector<event_time>& behind) = 0;

  virtual event_time on_interval(time_point now) = 0;
};

/// Make one for each source instance, from a copy of the user's function or generator.
using event_time_reader_maker = std::function<std::unique_ptr<event_time_reader>()>;
using generator_maker = std::function<std::unique_ptr<generator_body>()>;

template <class T, class F>
class typed_event_time_reader final : public event_time_reader {
public:
  explicit typed_event_time_reader(F f) : f_(std::move(f)) {}

  std::optional<step_failure> read(const batch_base& of, std::vector<event_time>& times) override {
    const auto& from = static_cast<const batch<T>&>(of);
    return detail::for_each_record<true>(
      from, "assign_timestamps", [&](std::size_t i, const origin&) {
        times.push_back(detail::as_event_time(std::invoke(f_, from.value(i))));
      });
  }

private:
  F f_;
};

template <class T, class G>
class typed_generator_body final : public generator_body {
public:
  explicit typed_generator_body(G generator) : generator_(std::move(generator)) {}

  std::optional<step_failure> on_records(const batch_base& of, std::span<const event_time> times,
                                         std::vector<event_time>& behind) override {
    const auto& from = static_cast<const batch<T>&>(of);
    return detail::for_each_record<true>(from, "on_record", [&](std::size_t i, const origin&) {
      behind.push_back(
        generator_.on_record(from.value(i), times.empty() ? from.timestamp(i) : times[i]));
    });
  }

  event_time on_interval(time_point now) override { return generator_.on_interval(now); }

private:
  G generator_;
};

template <class T, class F>
event_time_reader_maker event_times_of(F f) {
  return [f = std::move(f)] { return std::make_unique<typed_event_time_reader<T, F>>(f); };
}

template <class T, class G>
generator_maker generator_of(G generator) {
  return [of = std::move(generator)] { return std::make_unique<typed_generator_body<T, G>>(of); };
}

} // namespace weir
