// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A source instance as its actor sees it: calls per batch, and no type of a record. Owned by the
/// actor's shell and used on its thread.

#include "weir/source.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace weir {

class source_body {
public:
  virtual ~source_body() = default;

  virtual expected<void> open(const instance_context& context) = 0;
  virtual expected<poll_result> poll(source_outputs out) = 0;
  virtual bool can_resume() const = 0;
  virtual expected<std::vector<split_position>> positions() = 0;
  virtual std::string place() const = 0;
  virtual source_progress progress() const = 0;
  virtual std::uint64_t skipped() const = 0;
  virtual void close() = 0;

  /// Empty batches for the two outputs.
  virtual std::unique_ptr<batch_base> record_batch() const = 0;
  virtual std::unique_ptr<batch_base> dead_letter_batch() const = 0;

  /// Moves the records of a batch of one of these two types, from `begin` up to `end`, into the
  /// output of that type, at these event times (of the whole batch); none: at those that they have.
  virtual void emit_records(batch_base& of, std::size_t begin, std::size_t end,
                            std::span<const event_time> times, output& to) const = 0;
  virtual void emit_dead_letters(batch_base& of, std::size_t begin, std::size_t end,
                                 std::span<const event_time> times, output& to) const = 0;
};

/// Around a user's `source<T>`.
template <class T>
class typed_source_body final : public source_body {
public:
  explicit typed_source_body(std::unique_ptr<source<T>> of) : source_(std::move(of)) {}

  expected<void> open(const instance_context& context) override { return source_->open(context); }
  expected<poll_result> poll(source_outputs out) override { return source_->poll(out); }
  bool can_resume() const override { return source_->can_resume(); }
  expected<std::vector<split_position>> positions() override { return source_->positions(); }
  std::string place() const override { return source_->place(); }
  source_progress progress() const override { return source_->progress(); }
  std::uint64_t skipped() const override { return source_->skipped(); }
  void close() override { source_->close(); }

  std::unique_ptr<batch_base> record_batch() const override { return std::make_unique<batch<T>>(); }
  std::unique_ptr<batch_base> dead_letter_batch() const override {
    return std::make_unique<batch<dead_letter<T>>>();
  }

  void emit_records(batch_base& of, std::size_t begin, std::size_t end,
                    std::span<const event_time> times, output& to) const override {
    emit_all<T>(of, begin, end, times, to);
  }
  void emit_dead_letters(batch_base& of, std::size_t begin, std::size_t end,
                         std::span<const event_time> times, output& to) const override {
    emit_all<dead_letter<T>>(of, begin, end, times, to);
  }

private:
  template <class U>
  static void emit_all(batch_base& of, std::size_t begin, std::size_t end,
                       std::span<const event_time> times, output& to) {
    auto& from = static_cast<batch<U>&>(of);
    origin_runs::cursor origins;
    for (auto i = begin; i < end; ++i)
      to.emit(std::move(from.value(i)), times.empty() ? from.timestamp(i) : times[i],
              origins.at(from.origins(), i));
  }

  std::unique_ptr<source<T>> source_;
};

} // namespace weir
