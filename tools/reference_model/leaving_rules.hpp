// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The rules on what becomes of a record, applied to one life of an operator whose output is
/// explained: who finished first leaves first, nobody waits without a reason, a failure has a
/// cause, and at the end nobody is missing. Plain functions; any thread.
/// tests/tools/trace_checker_test.cpp shows each rule broken.

#include "trace_life.hpp"

namespace weir::simulation {

/// The first violation as a sentence; absent: none. `calls`: all of the trace. `ends`: when the
/// life ends by a restore or a failure, else `never`.
std::optional<std::string> broken_leaving_rule(const life& of,
                                               const answered_calls& calls,
                                               millis ends);

/// Of the life in which the job failed.
std::optional<std::string> failed_wrongly(const life& of, const answered_calls& calls,
                                          const trace_failure& failed);

/// Of a life that ended since nothing was due any more.
std::optional<std::string> lost(const life& of, const answered_calls& calls);

} // namespace weir::simulation
