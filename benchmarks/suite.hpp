// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The workloads by which weir is compared, and the program that runs one measurement of them, once: what it prints
/// is one line of JSON. benchmarks/suite.py runs it again and again, in turn with the same workloads of others, each
/// time in a process of its own, and makes the figures of it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

using clock = std::chrono::steady_clock;

/// Names and values.
using figures = std::vector<std::pair<std::string, double>>;

/// What a run says of itself.
struct outcome {
  /// From when the first record was made until the last was taken.
  std::chrono::duration<double> streamed{};
  figures more{};
  /// Where another process did the work: what that one took. Else this one is asked.
  std::optional<double> cpu_seconds{};
  std::optional<double> peak_rss_mib{};
};

/// One line of a workload's table.
struct measurement {
  std::string mode;
  std::size_t capacity = 100;
  /// Of one run, in the full suite and in the quick one.
  std::uint64_t records = 0;
  std::uint64_t quick_records = 0;
  /// One run over so many records. A wrong result ends the process, see `give_up`.
  std::function<outcome(std::uint64_t records)> run;
  /// What else tells it from the workload's other lines: name and value, e.g. {"threads", 1}.
  figures with{};
  /// A run of a tenth comes first. Not where a run is slow because calls are, or where starting is measured.
  bool warms_up = true;
};

struct workload {
  /// "P1".
  std::string_view name;
  /// What it tells, in a line.
  std::string_view about;
  std::vector<measurement> (*measurements)();
};

/// Says on standard error why a run is worth nothing, and ends its process with 1.
[[noreturn]] void give_up(const std::string& why);

/// The whole program. 0: well; 1: the run gave up; 2: wrong arguments.
int run_suite(const std::vector<workload>& all, int argc, char** argv);

} // namespace bench
