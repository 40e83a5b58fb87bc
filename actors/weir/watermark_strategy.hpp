// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How a source's stream gets its watermarks and statuses. Plain values that a job is built with;
/// each instance of the source makes its own. Watermarks never go back: one that would does not
/// leave. tests/actors/source_event_time_test.cpp.
///
///     flights.assign_timestamps(&flight::departure,
///                               weir::bounded_out_of_orderness(5s).with_idleness(1min));
///
/// A generator of your own is a copyable class with two functions. What they return leaves as a
/// watermark; `event_time::none()`: nothing does.
///
///     struct end_of_day {
///       // Behind this record. `at`: its event time, or none.
///       weir::event_time on_record(const sale& what, weir::event_time at) {
///         return what.closes_the_day ? at : weir::event_time::none();
///       }
///       // Once each interval, and a last time before the stream becomes idle or ends.
///       weir::event_time on_interval(weir::time_point) { return weir::event_time::none(); }
///     };
///     sales.with_watermarks(weir::generated_watermarks{end_of_day{}});

#include "weir/time.hpp"

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <utility>

namespace weir {

/// What watermarks are made from.
enum class watermark_kind : std::uint8_t {
  /// There are none.
  none,
  /// The newest event time.
  bounded,
  /// The time at which records are read, which is their event time too.
  ingestion,
  /// A generator of the user's.
  generated,
};

/// Made by the functions below.
struct watermark_strategy {
  watermark_kind kind = watermark_kind::none;
  /// How much older than the newest a record may come. >= 0, whole milliseconds. Only of `bounded`.
  duration max_out_of_orderness{};
  /// At most one watermark in this time, and one each time that the source was asked; of those that
  /// a generator puts behind records there may be more. One that this holds back leaves when the
  /// time has passed, or before the end. 0 = no such bound; not of `ingestion`, which needs at
  /// least 1 ms.
  duration interval{};
  /// The stream becomes idle when the source has given no record, and no dead letter, for this long
  /// while there was room for one; it is active again with the next. While it is idle it has no
  /// watermarks. 0 = never. >= 0.
  duration idle_after{};

  /// The same with another `idle_after`.
  watermark_strategy with_idleness(duration after) const {
    auto of = *this;
    of.idle_after = after;
    return of;
  }
};

/// A watermark follows the newest event time at the distance of `max_out_of_orderness`, less 1 ms
/// (Flink's `BoundedOutOfOrdernessWatermarks`).
inline watermark_strategy bounded_out_of_orderness(duration max_out_of_orderness,
                                                   duration interval
                                                   = std::chrono::milliseconds{200}) {
  return {.kind = watermark_kind::bounded,
          .max_out_of_orderness = max_out_of_orderness,
          .interval = interval};
}

/// For event times that never decrease.
inline watermark_strategy monotonous_watermarks(duration interval
                                                = std::chrono::milliseconds{200}) {
  return bounded_out_of_orderness(duration{0}, interval);
}

/// A record's event time is the system's time when it is read, in place of any other that it has,
/// and watermarks follow that clock, also while no record comes. Where the clock is set back, event
/// time stands still until it has caught up.
inline watermark_strategy ingestion_time(duration interval = std::chrono::milliseconds{200}) {
  return {.kind = watermark_kind::ingestion, .interval = interval};
}

/// What ingestion time is read from: the system's time of now. Called on any thread of a job,
/// several at a time.
using wall_clock = std::function<event_time()>;

/// Makes the watermarks of a source of records of type `T`; see the top of this file. Called on the
/// source's thread, must not wait; what it throws fails the job. Each instance of the source has a
/// copy.
template <class G, class T>
concept watermark_generator
  = std::copy_constructible<G> && requires(G& g, const T& record, event_time at, time_point now) {
      { g.on_record(record, at) } -> std::same_as<event_time>;
      { g.on_interval(now) } -> std::same_as<event_time>;
    };

/// Watermarks by a generator of the user's.
template <class G>
class generated_watermarks {
public:
  /// `interval`: of `on_interval`. At least 1 ms, or 0: each time that the source has given
  /// records.
  explicit generated_watermarks(G generator, duration interval = std::chrono::milliseconds{200})
    : strategy_{.kind = watermark_kind::generated, .interval = interval},
      generator_(std::move(generator)) {}

  /// The same with another `watermark_strategy::idle_after`.
  generated_watermarks with_idleness(duration after) const {
    auto of = *this;
    of.strategy_.idle_after = after;
    return of;
  }

  const watermark_strategy& strategy() const noexcept { return strategy_; }
  const G& generator() const noexcept { return generator_; }

private:
  watermark_strategy strategy_;
  G generator_;
};

} // namespace weir
