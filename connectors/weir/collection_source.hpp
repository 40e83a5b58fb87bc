// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Sources that are in memory already: a collection, and a range of numbers made into records. For
/// examples, tests, benchmarks and embedding. Owned by their stage and used by one thread at a time.

#include "weir/position_text.hpp"
#include "weir/source.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace weir {

/// Gives the records of a collection in their order; a record's position is its index. Of several
/// instances, each with the whole collection, every one gives its share: each n-th record. A share
/// is a split: where a job goes on with other instances, one may have several, and reads one after
/// another. The program must give the same collection then; its size alone is compared.
template <class T>
class collection_source final : public source<T> {
public:
  explicit collection_source(std::vector<T> records) : records_(std::move(records)) {}

  expected<void> open(const instance_context& context) override {
    if (context.resume)
      return go_on_from(*context.resume, context.stage);
    shares_ = {{context.subtask, context.subtask, context.parallelism}};
    return {};
  }

  expected<poll_result> poll(source_outputs& out) override {
    int n = 0;
    for (; current_ < shares_.size(); ++current_) {
      auto& of = shares_[current_];
      for (; n < 1024 && of.next < records_.size() && out.has_room(); ++n) {
        out.records.emit(std::move(records_[of.next]), event_time::none(), origin{of.next, 0, 0});
        of.next += of.step;
      }
      if (of.next < records_.size())
        return poll_result{};
    }
    return poll_result{poll_state::done, {}};
  }

  bool can_resume() const override { return true; }

  expected<std::vector<split_position>> positions() override {
    std::vector<split_position> all;
    for (const auto& of : shares_)
      all.push_back(
        {of.split,
         write_position({{"next", of.next}, {"step", of.step}, {"size", records_.size()}})});
    return all;
  }

  source_progress progress() const override {
    source_progress sum{0, 0};
    for (const auto& of : shares_) {
      sum.read += (of.next - of.split) / of.step;
      *sum.total += records_.size() > of.split ? (records_.size() - of.split - 1) / of.step + 1 : 0;
    }
    return sum;
  }

private:
  struct share {
    /// Also the index of its first record.
    std::uint32_t split = 0;
    std::uint64_t next = 0;
    std::uint64_t step = 1;
  };

  expected<void> go_on_from(const std::vector<split_position>& splits, const std::string& name) {
    shares_.clear();
    for (const auto& each : splits) {
      auto& of = shares_.emplace_back(share{each.split});
      std::uint64_t size = 0;
      if (!read_position(each.position, {{"next", &of.next}, {"step", &of.step}, {"size", &size}})
          || of.step == 0 || of.next < of.split)
        return not_a_position(name, each);
      if (size != records_.size())
        return error{error_kind::incompatible, name,
                     "its collection has " + std::to_string(records_.size()) + " records and had "
                       + std::to_string(size)
                       + " when the checkpoint was made; give it the same, or start afresh"};
    }
    return {};
  }

  std::vector<T> records_;
  std::vector<share> shares_{share{}};
  std::size_t current_ = 0;
};

/// Gives `make(first)`, `make(first + 1)`, ... up to, not including, `last`; the number is the
/// record's position. Of several instances every one gives its share: a stretch of the range. A
/// share is a split, as of a `collection_source`; where a job goes on, the range must be the same.
template <class Make>
class range_source final : public source<std::invoke_result_t<Make&, std::uint64_t>> {
public:
  range_source(std::uint64_t first, std::uint64_t last, Make make = {})
    : first_(first),
      last_(last < first ? first : last),
      shares_{share{0, first_, first_, last_}},
      make_(std::move(make)) {}

  expected<void> open(const instance_context& context) override {
    if (context.resume)
      return go_on_from(*context.resume, context.stage);
    const auto whole = last_ - first_;
    const auto begin = first_ + part(whole, context.subtask, context.parallelism);
    const auto end = first_ + part(whole, context.subtask + 1, context.parallelism);
    shares_ = {{context.subtask, begin, begin, end}};
    return {};
  }

  expected<poll_result> poll(source_outputs& out) override {
    int n = 0;
    for (; current_ < shares_.size(); ++current_) {
      auto& of = shares_[current_];
      for (; n < 4096 && of.next < of.end && out.records.has_room(); ++n, ++of.next)
        out.records.emit(make_(of.next), event_time::none(), origin{of.next, 0, 0});
      if (of.next < of.end)
        return poll_result{};
    }
    return poll_result{poll_state::done, {}};
  }

  bool can_resume() const override { return true; }

  expected<std::vector<split_position>> positions() override {
    std::vector<split_position> all;
    for (const auto& of : shares_)
      all.push_back({of.split, write_position({{"next", of.next},
                                               {"begin", of.begin},
                                               {"end", of.end},
                                               {"first", first_},
                                               {"last", last_}})});
    return all;
  }

  source_progress progress() const override {
    source_progress sum{0, 0};
    for (const auto& of : shares_) {
      sum.read += of.next - of.begin;
      *sum.total += of.end - of.begin;
    }
    return sum;
  }

private:
  struct share {
    std::uint32_t split = 0;
    std::uint64_t begin = 0;
    std::uint64_t next = 0;
    std::uint64_t end = 0;
  };

  expected<void> go_on_from(const std::vector<split_position>& splits, const std::string& name) {
    shares_.clear();
    for (const auto& each : splits) {
      auto& of = shares_.emplace_back(share{each.split});
      std::uint64_t first = 0;
      std::uint64_t last = 0;
      if (!read_position(each.position, {{"next", &of.next},
                                         {"begin", &of.begin},
                                         {"end", &of.end},
                                         {"first", &first},
                                         {"last", &last}})
          || of.begin < first || of.next < of.begin || of.end < of.next || last < of.end)
        return not_a_position(name, each);
      if (first != first_ || last != last_)
        return error{error_kind::incompatible, name,
                     "its range goes from " + std::to_string(first_) + " to "
                       + std::to_string(last_) + ", and went from " + std::to_string(first) + " to "
                       + std::to_string(last)
                       + " when the checkpoint was made; give it the same, or start afresh"};
    }
    return {};
  }

  // The first of `whole` records that belongs to instance `i` or a later one, without overflow.
  static std::uint64_t part(std::uint64_t whole, std::uint64_t i, std::uint64_t n) {
    return whole / n * i + whole % n * i / n;
  }

  const std::uint64_t first_;
  const std::uint64_t last_;
  std::vector<share> shares_;
  std::size_t current_ = 0;
  Make make_;
};

} // namespace weir
