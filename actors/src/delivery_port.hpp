// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The outputs of a service's instance: what is emitted while a message is handled is given to callbacks
/// when that is done, never in the middle of the machine, results and dead letters in the order in which
/// they left. There is always room: a message brings one batch of records at most, and what leaves with it was
/// held by the operator before. Part of an operator's shell, on its thread.

#include "output_port.hpp"

#include "weir/service_ends.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace weir {

/// An output that keeps what is emitted.
class keeping_port : public output_port {
public:
  void grant(std::uint32_t, const credit&, batch_handle) override {}
  using output::emit;
  void emit(const control& what) override { batch_->append(what); }
  void run_steps() override {}
  void flush() override {}
  bool has_unsent() const noexcept override { return false; }
  event_time take_newest() noexcept override { return event_time::none(); }
  std::uint64_t records() noexcept override { return records_ + batch_->records(); }
  std::uint64_t sent() noexcept override { return 0; }
  const std::optional<step_failure>& failure() const noexcept override { return failure_; }
  std::vector<lane_target> targets() const override { return {}; }

protected:
  /// Calls `turn_over` behind so many records.
  keeping_port(std::unique_ptr<batch_base> open, std::int64_t turn);

  void turn_over() override { share_out(); }
  void share_out() noexcept;
  void clear();

  std::unique_ptr<batch_base> batch_;
  std::optional<step_failure> failure_;

private:
  const std::int64_t turn_;
  std::uint64_t records_ = 0;
};

class dead_letter_port;

/// The results; gives the dead letters too.
class delivery_port final : public keeping_port {
public:
  /// `to` may be null, and outlives the port. `on_control` is told of the control elements in their places;
  /// may be null.
  delivery_port(std::unique_ptr<batch_base> open, delivery* to,
                std::function<void(const control&)> on_control);

  /// The port of the dead letters, which outlives what is done with this one.
  void stand_beside(dead_letter_port& other) noexcept { beside_ = &other; }

  std::size_t kept() const noexcept { return batch_->records(); }

  /// Gives what has been emitted since the last time.
  void run_steps() override;

private:
  /// Gives results and dead letters up to these, in order.
  void deliver(std::size_t results_end, std::size_t dead_letters_end);

  delivery* const to_;
  const std::function<void(const control&)> on_control_;
  dead_letter_port* beside_ = nullptr;
  batch_cursor at_;
};

/// The dead letters, each with its place among the results.
class dead_letter_port final : public keeping_port {
public:
  /// `to` outlives the port, as does `results`.
  dead_letter_port(std::unique_ptr<batch_base> open, delivery& to, delivery_port& results);

private:
  friend class delivery_port;

  void turn_over() override {
    before_.push_back(results_.kept());
    share_out();
  }

  void forget_places();

  delivery& to_;
  delivery_port& results_;
  /// Results that left before each.
  std::vector<std::size_t> before_;
  batch_cursor at_;
};

} // namespace weir
