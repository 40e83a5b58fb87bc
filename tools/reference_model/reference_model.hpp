// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What an async wait operator must do, written once more from docs/semantics.md and
/// docs/scenarios.md alone: all entries in one list in the order of arrival, linear searches,
/// nothing clever and nothing of the operator itself. Where the two differ on a scenario, one of
/// them misreads the pages. Plain functions; any thread. tests/tools/reference_model_test.cpp shows
/// it rule by rule.

#include "weir/event_chooser.hpp"
#include "weir/scenario.hpp"

namespace weir::simulation {

/// The trace of a scenario, its events in the order of docs/scenarios.md. Expects settings that an
/// operator accepts.
/// @throws std::invalid_argument where the scenario restores a barrier that did not come before.
trace run_reference_model(const scenario& what);

/// The same with the order of events in one millisecond open as far as only chance decides it.
trace run_reference_model(const scenario& what, const event_chooser& choose);

/// As that, but asks also where one event alone may be next.
trace run_reference_model_asking(const scenario& what, const event_chooser& choose);

} // namespace weir::simulation
