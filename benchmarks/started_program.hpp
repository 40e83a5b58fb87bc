// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A program that is measured from outside: started, waited for, and asked the system for what it took.

#include <string>
#include <vector>

namespace bench {

/// A program that has run and ended well.
struct started_program {
  double first_output_ms = 0;
  /// From its start to its end.
  double seconds = 0;
  double cpu_seconds = 0;
  /// Not less than what this process had when it started the program.
  double peak_rss_mib = 0;
  /// What it wrote to standard output.
  std::string output{};
};

/// Starts the program at the path `words[0]`, and waits for its end. Gives up where it does not end well.
started_program start(std::vector<std::string> words);

} // namespace bench
