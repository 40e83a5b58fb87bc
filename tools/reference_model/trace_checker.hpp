// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Holds a trace against the promises of docs/semantics.md one by one, whatever order of events
/// chance had chosen: nothing lost, nothing twice, results of one record together and with its
/// time, order, borders, capacity, calls at once, attempts, nothing after a failure, every record
/// accounted for. It knows no operator and no model; what a trace does not show is decided in its
/// favour. So it finds breaches, and proves nothing. Plain functions; any thread.
/// tests/tools/trace_checker_test.cpp breaks each promise.

#include "weir/scenario.hpp"

#include <optional>
#include <string>

namespace weir::simulation {

/// The first violation as a sentence; absent: none was found. Records that share a value in one
/// life of the operator cannot be told apart by their calls, and are judged less strictly.
std::optional<std::string> first_violation(const scenario& what, const trace& of);

} // namespace weir::simulation
