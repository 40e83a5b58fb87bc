// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The rules on calls, applied to one life of an operator whose elements are known: attempts,
/// delays, what may run at once, capacity, the order of calls. Plain functions; any thread.
/// tests/tools/trace_checker_test.cpp shows each rule broken.

#include "trace_life.hpp"

namespace weir::simulation {

/// The first violation as a sentence; absent: none. `calls`: all of the trace.
std::optional<std::string> broken_call_rule(const life& of,
                                            const answered_calls& calls);

} // namespace weir::simulation
