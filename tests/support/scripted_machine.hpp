// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A machine whose function does what the test says, with or without a timeout hook, behind one
/// interface; and outputs that write into one journal, so that the order between results and dead
/// letters is seen. One thread, except for what a test does with its futures.

#include "weir/machine_snapshot.hpp"
#include "weir/operator_machine.hpp"

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace weir::testing {

/// A record or a result of the tests.
struct item {
  int value = 0;
  std::size_t bytes = 8;

  friend std::size_t held_bytes(const item& x) { return x.bytes; }
  friend std::string record_name(const item& x, const origin&) { return std::to_string(x.value); }
  friend bool operator==(const item&, const item&) = default;
};

/// What the function does. Without `timeout` it has no hook.
struct script {
  std::function<void(const item&, result_future<item>)> call;
  std::function<void(const item&, result_future<item>)> timeout;
};

struct scripted_function : async_function<item, item> {
  explicit scripted_function(const script& what) : by(&what) {}
  void async_invoke(const item& x, result_future<item> done) { by->call(x, std::move(done)); }

  const script* by;
};

struct scripted_function_with_hook : scripted_function {
  using scripted_function::scripted_function;
  void timeout(const item& x, result_future<item> done) { by->timeout(x, std::move(done)); }
};

/// How long calls ran.
struct observed_calls {
  void observe(duration took) { durations.push_back(took); }
  std::vector<duration> durations;
};

/// `operator_machine` with its port and function.
class scripted_machine {
public:
  virtual ~scripted_machine() = default;
  virtual void take(batch<item>& in, batch_cursor& at, operator_outputs out, time_point now) = 0;
  virtual void advance(operator_outputs out, time_point now) = 0;
  virtual void tick(operator_outputs out, time_point due, time_point now) = 0;
  virtual bool step(operator_outputs out, time_point due, time_point now) = 0;
  virtual machine_snapshot<item, item> snapshot(time_point now) const = 0;
  virtual void restore(const machine_snapshot<item, item>& held, restore_mode how) = 0;
  virtual bool full() const = 0;
  virtual bool finished() const = 0;
  virtual std::size_t size() const = 0;
  virtual std::size_t running() const = 0;
  virtual time_point next_due() const = 0;
  virtual const std::optional<operator_failure>& failure() const = 0;
  virtual machine_counts counts() const = 0;
  virtual const std::vector<duration>& call_durations() const = 0;

  /// `what` outlives the machine.
  static std::unique_ptr<scripted_machine> make(
    const operator_options& options, output_mode mode, const script& what,
    std::function<void()> wake_up = [] {});
};

namespace detail {

template <class Function>
class scripted_machine_of final : public scripted_machine {
public:
  scripted_machine_of(const operator_options& options, output_mode mode, const script& what,
                      std::function<void()> wake_up)
    : function_(what),
      port_(completion_port<item>::make(std::move(wake_up))),
      machine_(options, mode, function_, *port_, calls_, 42) {
    machine_.identify({"test", run_id{}, options.name});
  }

  void take(batch<item>& in, batch_cursor& at, operator_outputs out, time_point now) override {
    machine_.take(in, at, out, now);
  }
  void advance(operator_outputs out, time_point now) override { machine_.advance(out, now); }
  void tick(operator_outputs out, time_point due, time_point now) override {
    machine_.tick(out, due, now);
  }
  bool step(operator_outputs out, time_point due, time_point now) override {
    return machine_.step(out, due, now);
  }
  machine_snapshot<item, item> snapshot(time_point now) const override {
    return snapshot_of(machine_, now);
  }
  void restore(const machine_snapshot<item, item>& held, restore_mode how) override {
    restore_snapshot(machine_, held, how);
  }
  bool full() const override { return machine_.full(); }
  bool finished() const override { return machine_.finished(); }
  std::size_t size() const override { return machine_.size(); }
  std::size_t running() const override { return machine_.running(); }
  time_point next_due() const override { return machine_.next_due(); }
  const std::optional<operator_failure>& failure() const override { return machine_.failure(); }
  machine_counts counts() const override { return machine_.counts(); }
  const std::vector<duration>& call_durations() const override { return calls_.durations; }

private:
  Function function_;
  completion_port<item>::owner port_;
  observed_calls calls_;
  operator_machine<Function, observed_calls> machine_;
};

} // namespace detail

inline std::unique_ptr<scripted_machine> scripted_machine::make(const operator_options& options,
                                                                output_mode mode,
                                                                const script& what,
                                                                std::function<void()> wake_up) {
  if (what.timeout)
    return std::make_unique<detail::scripted_machine_of<scripted_function_with_hook>>(
      options, mode, what, std::move(wake_up));
  return std::make_unique<detail::scripted_machine_of<scripted_function>>(options, mode, what,
                                                                          std::move(wake_up));
}

/// Tells each record and control element as it is emitted, and gives room as the test says.
template <class T>
class journal_output final : public output {
public:
  using on_record = std::function<void(T& value, event_time timestamp, const origin& from)>;
  using on_control = std::function<void(const control& what)>;
  static constexpr std::int64_t unbounded = INT64_MAX / 2;

  journal_output(on_record record, on_control what, std::int64_t room = unbounded)
    : record_(std::move(record)),
      control_(std::move(what)),
      room_(room) {
    open_ = &batch_;
    share_out();
  }

  using output::emit;
  void emit(const control& what) override { control_(what); }

  /// Adds room for records.
  void grant(std::int64_t records) {
    room_ += records;
    share_out();
  }

  /// Takes all room away.
  void close() {
    room_ = 0;
    share_out();
  }

protected:
  void turn_over() override {
    if (batch_.records() == 0)
      throw std::logic_error("an empty batch was handed over");
    origin_runs::cursor origins;
    for (std::size_t i = 0; i < batch_.records(); ++i)
      record_(batch_.value(i), batch_.timestamp(i), origins.at(batch_.origins(), i));
    room_ -= static_cast<std::int64_t>(batch_.records());
    batch_.clear();
    share_out();
  }

private:
  // Room for one at a time, so that each record is seen when it is emitted.
  void share_out() {
    records_left_ = room_ > 0 ? 1 : 0;
    bytes_left_ = unbounded;
  }

  on_record record_;
  on_control control_;
  batch<T> batch_;
  std::int64_t room_;
};

} // namespace weir::testing
