// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The operator of a scenario: the real machine, set as the scenario says, over a function and outputs
/// that hand everything on to whoever simulates. One thread.

#include "weir/machine_snapshot.hpp"
#include "weir/operator_machine.hpp"
#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>

namespace weir::simulation::detail {

struct simulated_record {
  std::int64_t value = 0;
  /// Its place in the scenario's input.
  std::size_t element = 0;
  std::size_t bytes = bytes_of_value;

  friend std::size_t held_bytes(const simulated_record& x) { return x.bytes; }

  /// So that a failure tells which element it is of.
  friend std::string record_name(const simulated_record& x, const origin&) {
    return std::to_string(x.element);
  }

  template <class Archive>
  void serialize(Archive& archive, std::uint32_t) {
    archive(value, element, bytes);
  }
};

using simulated_result = std::int64_t;
using simulated_future = result_future<simulated_result>;
using simulated_snapshot = machine_snapshot<simulated_record, simulated_result>;
using simulated_entry = weir::record_snapshot<simulated_record, simulated_result>;

/// What the operator's user would write.
class user_code {
public:
  virtual void call(const simulated_record& of, simulated_future done) = 0;
  virtual void time_out(const simulated_record& of, simulated_future done) = 0;

protected:
  ~user_code() = default;
};

class user_function : public async_function<simulated_record, simulated_result> {
public:
  explicit user_function(user_code& code) : code_(code) {}

  void async_invoke(const simulated_record& of, simulated_future done) {
    code_.call(of, std::move(done));
  }
  void timeout(const simulated_record& of, simulated_future done) {
    code_.time_out(of, std::move(done));
  }

private:
  user_code& code_;
};

struct ignored_durations {
  void observe(duration) {}
};

/// An output that hands on what leaves at once.
template <class T>
class journal final : public output {
public:
  using on_record = std::function<void(T& value, event_time timestamp, const origin& from)>;
  using on_control = std::function<void(const control& what)>;

  /// `room`: for how many records.
  journal(on_record record, on_control what, std::int64_t room)
    : record_(std::move(record)),
      control_(std::move(what)),
      room_(room) {
    open_ = &batch_;
    share_out();
  }

  static constexpr std::int64_t unbounded = INT64_MAX / 2;

  using output::emit;
  void emit(const control& what) override { control_(what); }

  void grant(std::int64_t records) {
    room_ += records;
    share_out();
  }

protected:
  void turn_over() override {
    origin_runs::cursor origins;
    for (std::size_t i = 0; i < batch_.records(); ++i)
      record_(batch_.value(i), batch_.timestamp(i), origins.at(batch_.origins(), i));
    room_ -= static_cast<std::int64_t>(batch_.records());
    batch_.clear();
    share_out();
  }

private:
  // For one at a time, so that each is seen when it leaves.
  void share_out() {
    records_left_ = room_ > 0 ? 1 : 0;
    bytes_left_ = unbounded;
  }

  on_record record_;
  on_control control_;
  batch<T> batch_;
  std::int64_t room_;
};

/// What the scenario's service, or its timeout hook, calls an error.
error named_error(const std::string& name);

/// The counterpart; `timeout_error` where the operator itself gave it.
std::string name_of(const error& why);

operator_options options_of(const scenario_operator& with);
output_mode mode_of(scenario_mode mode);

/// A time of a scenario as one of the machine.
duration as_duration(millis of);

/// The machine with what it needs. Futures may outlive it.
class simulated_operator {
public:
  simulated_operator(const scenario_operator& with, user_code& code)
    : function_(code),
      port_(completion_port<simulated_result>::make([] {})),
      machine_(options_of(with), mode_of(with.mode), function_, *port_, durations_, 0) {
    machine_.identify({"test", run_id{}, "simulated"});
  }

  auto* operator->() { return &machine_; }

  /// For who looks on.
  simulated_snapshot held(time_point now) const { return snapshot_of(machine_, now); }

private:
  user_function function_;
  completion_port<simulated_result>::owner port_;
  ignored_durations durations_;
  operator_machine<user_function, ignored_durations> machine_;
};

} // namespace weir::simulation::detail
