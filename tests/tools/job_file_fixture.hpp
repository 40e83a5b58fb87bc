// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Job files for tests: one that is good, with a line changed or added. One thread.

#include "job_builder.hpp"
#include "job_file.hpp"

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool::testing {

struct job_file_fixture {
  /// All that is required and nothing else.
  std::string text = "[job]\n"
                     "name = \"flights\"\n"
                     "[source]\n"
                     "type = \"ndjson\"\n"
                     "path = \"in.ndjson\"\n"
                     "[pool.airports]\n"
                     "url = \"sqlite:airports.db\"\n"
                     "[[lookup]]\n"
                     "name = \"origin\"\n"
                     "pool = \"airports\"\n"
                     "query = \"select name from airports where iata = ?\"\n"
                     "key = [\"origin\"]\n"
                     "into = \"origin_airport\"\n"
                     "mode = \"ordered\"\n"
                     "timeout = \"1s\"\n"
                     "[sink]\n"
                     "type = \"ndjson\"\n"
                     "path = \"out\"\n";

  void replace(std::string_view what, std::string_view with) {
    const auto at = text.find(what);
    if (at == text.npos)
      throw std::logic_error{"the job file has no " + std::string{what}};
    text.replace(at, what.size(), with);
  }

  /// Adds a line behind the line that begins with `anchor`.
  void add_behind(std::string_view anchor, std::string_view line) {
    const auto at = text.find(anchor);
    if (at == text.npos)
      throw std::logic_error{"the job file has no " + std::string{anchor}};
    text.insert(text.find('\n', at) + 1, std::string{line} + "\n");
  }

  void add_to_lookup(std::string_view line) { add_behind("timeout", line); }

  loaded_job load(const std::vector<std::string>& overrides = {}) const {
    return parse_job_file(text, "jobs/job.toml", overrides, *known_drivers());
  }

  /// The job, which must have no mistakes.
  job_file good(const std::vector<std::string>& overrides = {}) const {
    auto loaded = load(overrides);
    for (const auto& each : loaded.mistakes)
      throw std::logic_error{each.text()};
    return std::move(loaded.job);
  }

  /// The texts of all mistakes, a line each.
  std::string mistakes(const std::vector<std::string>& overrides = {}) const {
    std::string all;
    for (const auto& each : load(overrides).mistakes)
      all += each.text() + "\n";
    return all;
  }
};

} // namespace weir::tool::testing
