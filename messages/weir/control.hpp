// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The elements of a stream that are not records. They say something about the records around them,
/// keep their place among them, and go to every output. Plain values; any thread.

#include "weir/time.hpp"

#include <cstdint>

namespace weir {

/// What a control element is.
enum class control_kind : std::uint8_t {
  /// No record with an event time at or before `event_time()` follows. (Flink's rule.)
  watermark,
  /// The stream is idle: its watermark is not waited for.
  idle,
  /// The stream is active again.
  active,
  /// A checkpoint's barrier, with the checkpoint's number.
  barrier,
  /// Nothing follows.
  end,
};

/// A watermark, a watermark status, a checkpoint barrier, or the end of input.
class control {
public:
  static constexpr control watermark(event_time at) noexcept {
    return {control_kind::watermark, at.ms()};
  }
  static constexpr control idle() noexcept { return {control_kind::idle, 0}; }
  static constexpr control active() noexcept { return {control_kind::active, 0}; }
  /// `last`: the job ends with this checkpoint, and what is done behind it whoever goes on would do again.
  static constexpr control barrier(std::uint64_t checkpoint, bool last = false) noexcept {
    return {control_kind::barrier, static_cast<std::int64_t>(checkpoint), last};
  }
  static constexpr control end() noexcept { return {control_kind::end, 0}; }

  constexpr control_kind kind() const noexcept { return kind_; }

  /// The watermark's time. Only of a watermark.
  constexpr weir::event_time event_time() const noexcept { return weir::event_time{number_}; }

  /// The checkpoint's number. Only of a barrier.
  constexpr std::uint64_t checkpoint() const noexcept {
    return static_cast<std::uint64_t>(number_);
  }

  /// Whether nothing is to be done behind it. Only of a barrier.
  constexpr bool is_last() const noexcept { return last_; }

  /// A watermark or a status: what records of an unordered operator do not pass.
  constexpr bool is_border() const noexcept { return kind_ <= control_kind::active; }

  friend constexpr bool operator==(const control&, const control&) noexcept = default;

private:
  constexpr control(control_kind kind, std::int64_t number, bool last = false) noexcept
    : number_(number), kind_(kind), last_(last) {}

  std::int64_t number_;
  control_kind kind_;
  bool last_;
};

// Batches hold many.
static_assert(sizeof(control) == 16);

} // namespace weir
