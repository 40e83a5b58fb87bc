// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Stands between a source and an output of its stage, so that something can be done to records
/// before they leave. What is emitted into it is staged, at most some records and no more than
/// there is room for behind it, and handed on when it is full, or when it is told to: nothing stays
/// in it between two messages. Part of a source's shell, on its thread.

#include "weir/output.hpp"

#include <cstdint>
#include <functional>
#include <memory>

namespace weir {

class timed_output final : public output {
public:
  /// Puts the records of a batch into the output that this stands before. False where it has
  /// failed: then there is no more room.
  using taker = std::function<bool(batch_base&)>;

  /// `prototype`: an empty batch of the output's type. `staged_max`: most records that are staged.
  /// `to` outlives this.
  timed_output(std::unique_ptr<batch_base> prototype, std::int64_t staged_max, output& to,
               taker take);

  /// Shows how much room there is behind it; told before the source is asked.
  void open();

  /// Hands on what is staged.
  void pass();

  using output::emit;
  void emit(const control& what) override;

private:
  void turn_over() override { pass(); }

  std::unique_ptr<batch_base> staging_;
  const std::int64_t staged_max_;
  output& to_;
  taker take_;
  bool failed_ = false;
};

} // namespace weir
