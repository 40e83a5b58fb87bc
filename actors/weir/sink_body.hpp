// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A sink instance as its actor sees it: calls per batch, and no type of a record. Owned by the
/// actor's shell and used on its thread.

#include "weir/sink.hpp"

#include <memory>
#include <utility>

namespace weir {

class sink_body {
public:
  virtual ~sink_body() = default;

  virtual expected<void> open(const instance_context& context) = 0;
  virtual expected<poll_result> write(batch_base& in, std::size_t& next, std::size_t end) = 0;
  virtual expected<poll_result> flush() = 0;
  virtual expected<poll_result> prepare() = 0;
  virtual expected<void> commit() = 0;
  virtual void abandon(bool keep_partial) = 0;
};

/// Around a user's `sink<T>`.
template <class T>
class typed_sink_body final : public sink_body {
public:
  explicit typed_sink_body(std::unique_ptr<sink<T>> of) : sink_(std::move(of)) {}

  expected<void> open(const instance_context& context) override { return sink_->open(context); }
  expected<poll_result> write(batch_base& in, std::size_t& next, std::size_t end) override {
    return sink_->write(static_cast<batch<T>&>(in), next, end);
  }
  expected<poll_result> flush() override { return sink_->flush(); }
  expected<poll_result> prepare() override { return sink_->prepare(); }
  expected<void> commit() override { return sink_->commit(); }
  void abandon(bool keep_partial) override { sink_->abandon(keep_partial); }

private:
  std::unique_ptr<sink<T>> sink_;
};

} // namespace weir
