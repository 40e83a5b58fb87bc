// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A source instance as its actor sees it: calls per batch, and no type of a record. Owned by the
/// actor's shell and used on its thread.

#include "weir/source.hpp"

#include <memory>
#include <utility>

namespace weir {

class source_body {
public:
  virtual ~source_body() = default;

  virtual expected<void> open(const instance_context& context) = 0;
  virtual expected<poll_result> poll(source_outputs out) = 0;
  virtual source_progress progress() const = 0;
  virtual std::uint64_t skipped() const = 0;
  virtual void close() = 0;

  /// Empty batches for the two outputs.
  virtual std::unique_ptr<batch_base> record_batch() const = 0;
  virtual std::unique_ptr<batch_base> dead_letter_batch() const = 0;
};

/// How watermarks are made from the event times of records.
struct watermark_strategy {
  /// No watermarks where not set.
  bool enabled = false;
  /// How much older than the newest a record may come. >= 0, whole milliseconds.
  duration max_out_of_orderness{};
  /// At most one watermark in this time, and at most one a batch. 0 = one a batch. One that this holds
  /// back leaves when the time has passed, or before the end.
  duration interval{};
};

/// A watermark follows the newest event time at the distance of `max_out_of_orderness`, less 1 ms
/// (Flink's `BoundedOutOfOrdernessWatermarks`).
inline watermark_strategy bounded_out_of_orderness(duration max_out_of_orderness,
                                                   duration interval
                                                   = std::chrono::milliseconds{200}) {
  return {true, max_out_of_orderness, interval};
}

/// For event times that never decrease.
inline watermark_strategy monotonous_watermarks(duration interval
                                                = std::chrono::milliseconds{200}) {
  return bounded_out_of_orderness(duration{0}, interval);
}

/// Around a user's `source<T>`.
template <class T>
class typed_source_body final : public source_body {
public:
  explicit typed_source_body(std::unique_ptr<source<T>> of) : source_(std::move(of)) {}

  expected<void> open(const instance_context& context) override { return source_->open(context); }
  expected<poll_result> poll(source_outputs out) override { return source_->poll(out); }
  source_progress progress() const override { return source_->progress(); }
  std::uint64_t skipped() const override { return source_->skipped(); }
  void close() override { source_->close(); }

  std::unique_ptr<batch_base> record_batch() const override { return std::make_unique<batch<T>>(); }
  std::unique_ptr<batch_base> dead_letter_batch() const override {
    return std::make_unique<batch<dead_letter<T>>>();
  }

private:
  std::unique_ptr<source<T>> source_;
};

} // namespace weir
