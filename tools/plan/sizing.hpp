// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How large an operator must be for a load, by mode: the formulas behind `weir plan`. Pure functions; any thread.
///
/// An operator's capacity bounds the records that it holds. By Little's law (L = lambda W; Little, "A Proof for the
/// Queuing Formula", 1961) it holds records-per-second x seconds-that-each-is-held of them, so the question is how long
/// a mode holds a record:
/// * unordered: until its own result is there, retries included;
/// * ordered: until all in front of it are there too, so beside the slowest record as many as come meanwhile;
/// * key_ordered: until its own is there, behind those of its key. Each key is a queue with one server, whose mean
///   length is that of M/G/1 (Pollaczek, 1930; Khinchine, 1932).

#include "weir/error.hpp"
#include "weir/operator_options.hpp"
#include "weir/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace weir::tool {

struct expected_load {
  /// Records a second, > 0.
  double rate = 0;
  /// Of a call, on average.
  duration latency{};
  /// Of the slowest call; at least `latency`.
  duration slowest{};
  /// Of the records, 0 to 1, and how long from the failure of such a record's call until its last one begins.
  double retry_share = 0;
  duration retry_time{};
  /// Keys that come in turn, for key_ordered; absent: it is not planned.
  std::optional<std::uint64_t> keys{};
  /// Of a record in memory, with its result.
  std::uint64_t record_bytes = 0;
};

struct mode_size {
  output_mode mode = output_mode::ordered;
  /// Records that are held; absent: no capacity carries the load.
  std::optional<double> held{};
  /// What was added up, as a formula with this load's numbers.
  std::string formula;
  /// Of all instances together; at least 1.
  std::uint64_t capacity = 0;
  std::uint64_t bytes = 0;
};

struct sizing {
  /// Calls that are under way, on average.
  double calls = 0;
  std::uint32_t parallelism = 1;
  std::vector<mode_size> modes;
};

/// Records a second that one instance is trusted with: a part of what docs/performance.md measures, so that there is
/// room for what a program's own function costs.
inline constexpr double instance_rate = 1e6;

/// Bytes of an entry beside its record and result. tests/tools/sizing_test.cpp.
inline constexpr std::uint64_t entry_bytes = 512;

/// For people: three digits, or all in front of the point.
std::string number_text(double x);

/// Errors (kind `argument`): which number of the load makes no sense.
expected<sizing> size_for(const expected_load& load);

} // namespace weir::tool
