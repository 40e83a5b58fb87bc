// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Traces as text: JSON for programs and files, short lines for people. Pure functions; any thread.

#include "weir/scenario.hpp"

#include <string>

namespace weir::tool {

/// One line in the language of docs/scenarios.md, without its end; fields in the order given there.
std::string trace_json(const simulation::trace& of);

// -- for people; names are shown as they are, since readers let only printable ones through --

/// `value 10 ts 1`, `watermark 5`, `status idle`, `barrier 1`, `dead letter 3, io, 2 attempts`.
std::string text_of(const simulation::trace_output& of);
/// `record 1, attempt 2`.
std::string text_of(const simulation::trace_call& of);
/// `io, record 1`.
std::string text_of(const simulation::trace_failure& of);

} // namespace weir::tool
