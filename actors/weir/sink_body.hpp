// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A sink instance as its actor sees it: calls per batch, and no type of a record. Owned by the
/// actor's shell and used on its thread. `sink` says what each call means.

#include "weir/sink.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

class sink_body {
public:
  virtual ~sink_body() = default;

  virtual expected<void> open(const instance_context& context) = 0;
  virtual expected<std::vector<std::string>> recover(const sink_recovery& from) = 0;
  virtual expected<poll_result> write(batch_base& in, std::size_t& next, std::size_t end) = 0;
  virtual expected<poll_result> flush() = 0;
  virtual expected<poll_result> prepare(std::uint64_t checkpoint, bool last) = 0;
  virtual pending_output pending() = 0;
  virtual expected<poll_result> commit(std::uint64_t checkpoint) = 0;
  virtual void abandon(bool keep_partial) = 0;
  virtual expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const = 0;
  virtual expected<std::vector<std::string>> hidden_of_others(const run_id& run,
                                                              std::uint64_t checkpoint) const = 0;
  virtual expected<void> check_owner(const run_id& run) const = 0;
  virtual std::string place() const = 0;
};

/// Around a user's `sink<T>`.
template <class T>
class typed_sink_body final : public sink_body {
public:
  explicit typed_sink_body(std::unique_ptr<sink<T>> of) : sink_(std::move(of)) {}

  expected<void> open(const instance_context& context) override { return sink_->open(context); }
  expected<std::vector<std::string>> recover(const sink_recovery& from) override {
    return sink_->recover(from);
  }
  expected<poll_result> write(batch_base& in, std::size_t& next, std::size_t end) override {
    return sink_->write(static_cast<batch<T>&>(in), next, end);
  }
  expected<poll_result> flush() override { return sink_->flush(); }
  expected<poll_result> prepare(std::uint64_t checkpoint, bool last) override {
    return sink_->prepare(checkpoint, last);
  }
  pending_output pending() override { return sink_->pending(); }
  expected<poll_result> commit(std::uint64_t checkpoint) override {
    return sink_->commit(checkpoint);
  }
  void abandon(bool keep_partial) override { sink_->abandon(keep_partial); }
  expected<std::vector<std::string>> newer_than(std::uint64_t checkpoint) const override {
    return sink_->newer_than(checkpoint);
  }
  expected<std::vector<std::string>> hidden_of_others(const run_id& run,
                                                      std::uint64_t checkpoint) const override {
    return sink_->hidden_of_others(run, checkpoint);
  }
  expected<void> check_owner(const run_id& run) const override { return sink_->check_owner(run); }
  std::string place() const override { return sink_->place(); }

private:
  std::unique_ptr<sink<T>> sink_;
};

} // namespace weir
