// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An operator instance as its actor sees it: calls per batch, none per record, and no type of a
/// record. `async_operator_body` puts the user's function, its completion port and the machine
/// together. Owned by the actor's shell and used on its thread; only the wake-up is called from others.

#include "weir/async_function.hpp"
#include "weir/call_watch.hpp"
#include "weir/held_record.hpp"
#include "weir/operator_machine.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace weir {

/// What a body needs from outside to be made.
struct operator_parts {
  operator_options options;
  output_mode mode = output_mode::ordered;
  /// Decides what jitter takes off.
  std::uint64_t seed = 0;
  /// Tells the shell, from any thread, that a completion has come in.
  std::function<void()> wake_up;
  /// Where calls have futures waited for; outlives the body. Null: nowhere.
  const waiting_pools* waiting = nullptr;
  /// Told how long each call ran; may be null.
  std::function<void(duration, std::uint64_t)> calls;
  /// Reads the clock that deadlines are made of; null: calls that block are not looked for.
  call_watch::clock_function clock;
  /// Told of each call that held the operator's thread for `blocking_warning` or longer.
  call_watch::report_function blocked;
};

class operator_body {
public:
  virtual ~operator_body() = default;

  /// Opens the user's function, whose calls have their idempotency keys by what the context says. Once, before
  /// all else.
  virtual expected<void> open(function_context& context) = 0;

  /// Closes the user's function if it was opened. Idempotent.
  virtual void close() noexcept = 0;

  /// See `operator_machine`.
  virtual void take(batch_base& in, batch_cursor& at, operator_outputs out, time_point now) = 0;
  virtual void advance(operator_outputs out, time_point now) = 0;
  /// As `advance`, when the wake-up for completions has arrived.
  virtual void on_completions(operator_outputs out, time_point now) = 0;
  virtual bool step(operator_outputs out, time_point due, time_point now) = 0;

  /// Runs `work`, in which calls may be completed on this thread (the answers of a client pool), then
  /// advances.
  virtual void run(const std::function<void()>& work, operator_outputs out, time_point now) = 0;

  /// See `operator_machine`. Writers and readers are of the body's types.
  virtual void save(entry_writer& to, time_point now) const = 0;
  virtual void restore(entry_reader& from, restore_mode how) = 0;

  virtual bool full() const noexcept = 0;
  virtual bool finished() const noexcept = 0;
  virtual time_point next_due() const noexcept = 0;
  virtual const std::optional<operator_failure>& failure() const noexcept = 0;
  virtual std::size_t size() const noexcept = 0;
  virtual std::size_t running() const noexcept = 0;
  virtual machine_counts counts() const noexcept = 0;

  /// Empty batches for the input and the two outputs.
  virtual std::unique_ptr<batch_base> input_batch() const = 0;
  virtual std::unique_ptr<batch_base> result_batch() const = 0;
  virtual std::unique_ptr<batch_base> dead_letter_batch() const = 0;
};

/// What a machine tells of its calls: how long they ran (those that completed at once are only counted
/// until the message ends), and when the function is entered and left.
class call_observer {
public:
  explicit call_observer(operator_parts& parts)
    : to_(std::move(parts.calls)),
      watch_(parts.options.blocking_warning, std::move(parts.clock), std::move(parts.blocked)) {}

  void call_begins() { watch_.call_begins(); }
  void call_ends() { watch_.call_ends(); }

  void observe(duration took) {
    if (took == duration{0})
      ++instant_;
    else if (to_)
      to_(took, 1);
  }

  /// The handling of a message ends.
  void message_ends() {
    watch_.message_ends();
    if (instant_ > 0 && to_)
      to_(duration{0}, instant_);
    instant_ = 0;
  }

private:
  std::function<void(duration, std::uint64_t)> to_;
  call_watch watch_;
  std::uint64_t instant_ = 0;
};

/// `Function`: a class form of `async_function.hpp`. `Observer` is made of the parts and what follows them.
template <class Function, class Observer = call_observer>
class async_operator_body final : public operator_body {
public:
  using input_type = typename Function::input_type;
  using output_type = typename Function::output_type;

  template <class... Ts>
  async_operator_body(operator_parts parts, Function function, Ts&&... for_observer)
    : name_(parts.options.name),
      function_(std::move(function)),
      port_(completion_port<output_type>::make(std::move(parts.wake_up), parts.waiting)),
      calls_(parts, std::forward<Ts>(for_observer)...),
      machine_(parts.options, parts.mode, function_, *port_, calls_, parts.seed) {}

  ~async_operator_body() override { close(); }

  expected<void> open(function_context& context) override {
    machine_.identify({context.job, context.run, context.name});
    auto opened = guarded_open(context);
    open_ = opened.has_value();
    return opened;
  }

  void close() noexcept override {
    if (!std::exchange(open_, false))
      return;
    try {
      function_.close();
    } catch (...) {
      // Nobody is left whom a failure to close could stop.
    }
  }

  void take(batch_base& in, batch_cursor& at, operator_outputs out, time_point now) override {
    machine_.take(static_cast<batch<input_type>&>(in), at, out, now);
    calls_.message_ends();
  }

  void advance(operator_outputs out, time_point now) override {
    machine_.advance(out, now);
    calls_.message_ends();
  }

  void on_completions(operator_outputs out, time_point now) override {
    port_->woken();
    advance(out, now);
  }

  bool step(operator_outputs out, time_point due, time_point now) override {
    const bool stepped = machine_.step(out, due, now);
    calls_.message_ends();
    return stepped;
  }

  void run(const std::function<void()>& work, operator_outputs out, time_point now) override {
    {
      const typename completion_port<output_type>::scope here{*port_, now};
      work();
    }
    advance(out, now);
  }

  void save(entry_writer& to, time_point now) const override { machine_.save(to, now); }

  void restore(entry_reader& from, restore_mode how) override { machine_.restore(from, how); }

  bool full() const noexcept override { return machine_.full(); }
  bool finished() const noexcept override { return machine_.finished(); }
  time_point next_due() const noexcept override { return machine_.next_due(); }
  const std::optional<operator_failure>& failure() const noexcept override {
    return machine_.failure();
  }
  std::size_t size() const noexcept override { return machine_.size(); }
  std::size_t running() const noexcept override { return machine_.running(); }
  machine_counts counts() const noexcept override { return machine_.counts(); }

  std::unique_ptr<batch_base> input_batch() const override {
    return std::make_unique<batch<input_type>>();
  }
  std::unique_ptr<batch_base> result_batch() const override {
    return std::make_unique<batch<output_type>>();
  }
  std::unique_ptr<batch_base> dead_letter_batch() const override {
    return std::make_unique<batch<dead_letter<input_type>>>();
  }

private:
  expected<void> guarded_open(function_context& context) {
    const auto failed = [&](const char* what) {
      return error{error_kind::exception, "operator " + name_,
                   std::string{"the open of its function threw: "} + what};
    };
    try {
      return function_.open(context);
    } catch (const std::exception& thrown) {
      return failed(thrown.what());
    } catch (...) {
      return failed("something that is no std::exception");
    }
  }

  std::string name_;
  Function function_;
  typename completion_port<output_type>::owner port_;
  Observer calls_;
  operator_machine<Function, Observer> machine_;
  bool open_ = false;
};

} // namespace weir
