// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reads files of scenarios and of traces, checked by the rules of docs/scenarios.md: all mistakes at
/// once, each with its file, line, key and rule. Plain functions and values; any thread.

#include "mistake.hpp"

#include "weir/scenario.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool {

/// A scenario, or a trace, and where it begins.
template <class T>
struct found_in_file {
  T what;
  std::string file;
  std::size_t line = 0;

  std::string where() const { return file + ":" + std::to_string(line); }
};

using found_scenario = found_in_file<simulation::scenario>;
using found_trace = found_in_file<simulation::trace>;

template <class T>
struct read_file {
  /// Those without mistakes.
  std::vector<found_in_file<T>> all;
  std::vector<mistake> mistakes;
};

/// Reads `content`, which is the file `path`'s. One that holds nothing is a mistake.
read_file<simulation::scenario> parse_scenarios(std::string_view content, const std::string& path);
read_file<simulation::trace> parse_traces(std::string_view content, const std::string& path);

/// Reads files; all that they hold, in order. A file of more than 64 MiB is a mistake.
read_file<simulation::scenario> load_scenarios(const std::vector<std::string>& paths);
read_file<simulation::trace> load_traces(const std::string& path);

/// Each name that comes a second time, as a mistake.
std::vector<mistake> repeated_names(const std::vector<found_scenario>& all);

} // namespace weir::tool
