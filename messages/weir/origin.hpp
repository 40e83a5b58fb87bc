// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a record comes from. Stable over retries, restores and replays, so that it can name the
/// record in error messages and make idempotency keys. Plain values; any thread.

#include "weir/splitmix64.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// A record's place in its source.
struct origin {
  /// Place inside the split: a byte offset, a row, a sequence number; the source says which.
  std::uint64_t position = 0;
  /// Tells apart several records made of one; 0 for the source's own.
  std::uint64_t ordinal = 0;
  /// Which of the source's splits (file, table range, partition).
  std::uint32_t split = 0;

  friend bool operator==(const origin&, const origin&) = default;

  /// The origin of record `index` of the several that one record becomes: its ordinal hashes the
  /// parent's ordinal and the index (splitmix64). A record that becomes one keeps its origin.
  origin child(std::uint64_t index) const noexcept {
    return {position, splitmix64(ordinal * splitmix64_step + index + 1), split};
  }

  /// The origin of this record where a stage takes it from its input `number`. Two inputs may bring
  /// records of one origin (two sources count alike, one stream may come on two ways); inside a stage
  /// each has one of its own. Input 0 changes nothing, so a stage with one input need not ask.
  origin of_input(std::uint64_t number) const noexcept {
    // Away from the numbers that `child` mixes.
    constexpr std::uint64_t inputs = 0x6A09'E667'F3BC'C908u;
    if (number == 0)
      return *this;
    return {position, splitmix64((ordinal ^ inputs) + number * splitmix64_step), split};
  }

  /// `split/position` or `split/position/ordinal`.
  std::string text() const {
    auto line = std::to_string(split) + "/" + std::to_string(position);
    return ordinal == 0 ? line : line + "/" + std::to_string(ordinal);
  }
};

/// The origins of a sequence of records, kept once for each run of records with consecutive
/// positions. Not thread-safe.
class origin_runs {
public:
  /// Appends the origin of the next record.
  [[gnu::always_inline]] void append(const origin& from) {
    if (!continues(from)) [[unlikely]]
      begin_run(from);
    // Not `next_ = from`: the copy would be read in one piece just after it was written in two.
    ++next_.position;
    ++count_;
  }

  void clear() noexcept {
    runs_.clear();
    count_ = 0;
  }

  std::size_t size() const noexcept { return count_; }

  /// Makes every origin that of a record which comes from this input.
  void come_from_input(std::uint64_t number) noexcept {
    for (auto& each : runs_)
      each.start = each.start.of_input(number);
    next_ = next_.of_input(number);
  }

  /// Reads origins in ascending order of index, each in constant time. More may be appended meanwhile.
  class cursor {
  public:
    origin at(const origin_runs& runs, std::size_t index) {
      origin from;
      read(runs, index, from);
      return from;
    }

    /// As `at`, straight to where it is kept: a copy of what `at` gives would be read in one piece just
    /// after it was written in two, for which processors wait.
    [[gnu::always_inline]] void read(const origin_runs& runs, std::size_t index, origin& into) {
      if (index >= end_) [[unlikely]]
        find_run(runs, index);
      into.position = first_.position + index;
      into.ordinal = first_.ordinal;
      into.split = first_.split;
    }

  private:
    [[gnu::noinline]] void find_run(const origin_runs& runs, std::size_t index) {
      while (run_ + 1 < runs.runs_.size() && runs.runs_[run_ + 1].first <= index)
        ++run_;
      const auto& in = runs.runs_[run_];
      first_ = in.start;
      first_.position -= in.first;
      end_ = run_ + 1 < runs.runs_.size() ? runs.runs_[run_ + 1].first : runs.count_;
    }

    std::size_t run_ = 0;
    /// Where the run that was read last ends, as far as was known then.
    std::size_t end_ = 0;
    /// What would be the origin of index 0 if that run began there.
    origin first_;
  };

private:
  struct run {
    origin start;
    std::size_t first;
  };

  [[gnu::always_inline]] bool continues(const origin& from) const noexcept {
    return count_ != 0 && from.position == next_.position && from.ordinal == next_.ordinal
           && from.split == next_.split;
  }

  [[gnu::noinline]] void begin_run(const origin& from) {
    runs_.push_back({from, count_});
    next_ = from;
  }

  std::vector<run> runs_;
  std::size_t count_ = 0;
  /// The origin that would continue the last run.
  origin next_;
};

} // namespace weir
