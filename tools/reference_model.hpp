// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an async wait operator must do, written once more from docs/semantics.md and
/// docs/scenarios.md alone: all entries in one list in the order of arrival, linear searches,
/// nothing clever and nothing of the operator itself. Where the two differ on a scenario, one of
/// them misreads the pages. Plain functions; any thread. tests/tools/reference_model_test.cpp shows
/// it rule by rule.

#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

namespace weir::simulation {

/// In the order in which scenarios handle what is due in one millisecond.
enum class event_kind : std::uint8_t { completion, timeout, back_off_end, input };

/// Something that is due.
struct event_description {
  event_kind kind = event_kind::input;
  /// The line of `scenario::input`, from 0: an input's own, else the one that brought the record.
  std::size_t line = 0;
  /// The record's value; 0 of an input that is no record.
  std::int64_t record = 0;
  /// How often the record has been called; 0 of an input.
  std::uint32_t attempts = 0;
};

/// Says which event comes first, as an index. Gets at least two, in the order of scenarios.
using event_chooser = std::function<std::size_t(std::span<const event_description>)>;

/// The trace of a scenario, its events in the order of docs/scenarios.md. Expects settings that an
/// operator accepts.
/// @throws std::invalid_argument where the scenario restores a barrier that did not come before.
trace run_reference_model(const scenario& what);

/// The same with the order of events in one millisecond open as far as only chance decides it: the
/// chooser is asked whenever more than one may be next. Fixed by rule, and therefore not offered:
/// input comes in the order of the file; timeouts in that of their records, since a later one is
/// never due earlier; of one record a completion before its timeout, and that before the end of its
/// back-off; of one call its answers in the order in which the scenario gives them; `after: 0`
/// inside its call.
trace run_reference_model(const scenario& what, const event_chooser& choose);

} // namespace weir::simulation
