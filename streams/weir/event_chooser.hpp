// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Other orders of what falls into one millisecond of a scenario: whoever runs it asks an `event_chooser`
/// whenever more than one event may be next. Which may, docs/scenarios.md says under "Other orders". Includes
/// nothing of the operator, so that a model of it offers the same. Values; a chooser is called on the
/// thread of the run.

#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace weir::simulation {

/// In the order in which scenarios handle what is due in one millisecond.
/// On the operator's actor a wake-up is one event: all timeouts and ends of back-off that are due, in that order.
enum class event_kind : std::uint8_t { completion, timeout, back_off_end, wake_up, input, room };

/// Something that is due.
struct event_description {
  event_kind kind = event_kind::input;
  millis at = 0;
  /// The line of `scenario::input`, from 0: an input's own, else the one that brought the record. Of room:
  /// its place in `scenario::room`; of a wake-up: 0.
  std::size_t line = 0;
  /// The record's value; 0 of room, of a wake-up, and of an input that is no record.
  std::int64_t record = 0;
  /// The attempt that runs, or the last that was made; 0 of room, a wake-up and an input.
  std::uint32_t attempts = 0;
  friend bool operator==(const event_description&, const event_description&) = default;
};

/// Says which event comes first, as an index. Gets at least two, in the order of scenarios, valid during the
/// call.
using event_chooser = std::function<std::size_t(std::span<const event_description>)>;

} // namespace weir::simulation
