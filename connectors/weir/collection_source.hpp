// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Sources that are in memory already: a collection, and a range of numbers made into records. For
/// examples, tests, benchmarks and embedding. Owned by their stage and used by one thread at a time.

#include "weir/source.hpp"

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// Gives the records of a collection in their order; a record's position is its index. Of several
/// instances, each with the whole collection, every one gives its share: each n-th record.
template <class T>
class collection_source final : public source<T> {
public:
  explicit collection_source(std::vector<T> records) : records_(std::move(records)) {}

  expected<void> open(const instance_context& context) override {
    next_ = context.subtask;
    step_ = context.parallelism;
    return {};
  }

  expected<poll_result> poll(source_outputs& out) override {
    for (int n = 0; n < 1024 && next_ < records_.size() && out.has_room(); ++n) {
      out.records.emit(std::move(records_[next_]), event_time::none(), origin{next_, 0, 0});
      next_ += step_;
      ++given_;
    }
    return poll_result{next_ < records_.size() ? poll_state::more : poll_state::done, {}};
  }

  source_progress progress() const override {
    const auto ahead = next_ < records_.size() ? (records_.size() - next_ + step_ - 1) / step_ : 0;
    return {given_, given_ + ahead};
  }

private:
  std::vector<T> records_;
  std::size_t next_ = 0;
  std::size_t step_ = 1;
  std::uint64_t given_ = 0;
};

/// Gives `make(first)`, `make(first + 1)`, ... up to, not including, `last`; the number is the record's
/// position. Of several instances every one gives its share: a stretch of the range.
template <class Make>
class range_source final : public source<std::invoke_result_t<Make&, std::uint64_t>> {
public:
  range_source(std::uint64_t first, std::uint64_t last, Make make = {})
    : first_(first),
      next_(first),
      last_(last < first ? first : last),
      make_(std::move(make)) {}

  expected<void> open(const instance_context& context) override {
    const auto whole = last_ - first_;
    const auto begin = share(whole, context.subtask, context.parallelism);
    const auto end = share(whole, context.subtask + 1, context.parallelism);
    last_ = first_ + end;
    first_ = next_ = first_ + begin;
    return {};
  }

  expected<poll_result> poll(source_outputs& out) override {
    for (int n = 0; n < 4096 && next_ < last_ && out.records.has_room(); ++n, ++next_)
      out.records.emit(make_(next_), event_time::none(), origin{next_, 0, 0});
    return poll_result{next_ < last_ ? poll_state::more : poll_state::done, {}};
  }

  source_progress progress() const override { return {next_ - first_, last_ - first_}; }

private:
  // The first of `whole` records that belongs to instance `i` or a later one, without overflow.
  static std::uint64_t share(std::uint64_t whole, std::uint64_t i, std::uint64_t n) {
    return whole / n * i + whole % n * i / n;
  }

  std::uint64_t first_;
  std::uint64_t next_;
  std::uint64_t last_;
  Make make_;
};

} // namespace weir
