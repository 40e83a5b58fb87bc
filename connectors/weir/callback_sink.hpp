// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A sink that hands each record to a function: for examples, tests, and programs that have a use of
/// their own for results. Owned by its stage; the function is called by one thread at a time, not
/// always the same, and must not block.

#include "weir/sink.hpp"

#include <cstddef>
#include <type_traits>
#include <utility>

namespace weir {

/// Calls `f(T&&)` or `f(T&&, event_time, const origin&)` for each record, in the stream's order. The
/// function returns nothing, or an `expected<void>` whose error fails the job.
template <class T, class Function>
class callback_sink final : public sink<T> {
public:
  explicit callback_sink(Function f) : f_(std::move(f)) {}

  expected<poll_result> write(batch<T>& in, std::size_t& next, std::size_t end) override {
    origin_runs::cursor origins;
    while (next < end) {
      const auto i = next++;
      if (auto ok = call(in, i, origins); !ok)
        return std::move(ok).why();
    }
    return poll_result{poll_state::done, {}};
  }

private:
  static constexpr bool takes_place
    = std::is_invocable_v<Function&, T&&, event_time, const origin&>;

  expected<void> call(batch<T>& in, std::size_t i, origin_runs::cursor& origins) {
    if constexpr (takes_place)
      return settle(
        [&] { return f_(std::move(in.value(i)), in.timestamp(i), origins.at(in.origins(), i)); });
    else
      return settle([&] { return f_(std::move(in.value(i))); });
  }

  template <class Call>
  static expected<void> settle(Call&& invoke) {
    if constexpr (std::is_void_v<decltype(invoke())>) {
      invoke();
      return {};
    } else {
      return invoke();
    }
  }

  Function f_;
};

/// Makes a `callback_sink` for records of type `T`.
template <class T, class Function>
callback_sink<T, Function> make_callback_sink(Function f) {
  return callback_sink<T, Function>(std::move(f));
}

} // namespace weir
