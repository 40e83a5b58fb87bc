// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One run of a scenario on the operator's actor, in a virtual system: as `machine_run` on the bare machine,
/// but elements come as messages, completions from outside, timers as the actor's own wake-ups, and what
/// leaves is what its receivers get. Each event enters when the actors have come to rest from the one
/// before. One thread.

#include "scripted_service.hpp"
#include "simulated_operator.hpp"
#include "step_budget.hpp"
#include "trace_recorder.hpp"
#include "weir/actor_simulation.hpp"
#include "weir/operator_rig.hpp"
#include "weir/virtual_system.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::simulation::detail {

class actor_run final : public user_code {
public:
  /// The scenario has no mistakes, and outlives the run, as the order does. Null: the usual order.
  actor_run(const scenario& of, const simulation_limits& limits, const actor_order* order);

  /// The trace, or which limit the run has passed. Once.
  expected<trace> to_end();

private:
  // -- user code --

  void call(const simulated_record& of, simulated_future done) override;
  void time_out(const simulated_record& of, simulated_future done) override;

  // -- events --

  bool find_next_time();
  void handle_event();
  void handle_first_event();
  void handle_chosen_event();
  std::vector<event_description> due_events() const;
  bool next_is_barrier() const;
  void handle_input(std::size_t element);
  void feed(std::size_t element);
  void restore(const operator_restores& how);
  error too_long(const std::string& why) const;

  // -- the operator --

  void start(operator_rig_settings settings);
  /// Writes down what has left.
  void record_output();
  void record(const records_left& left);
  millis next_timer() const;
  /// Adds what the operator, which is about to go, has counted beyond what it goes on from.
  void account_for_operator();

  const scenario& scenario_;
  const simulation_limits limits_;
  const actor_order* order_;
  step_budget steps_;
  trace_recorder recorder_;
  scripted_service service_;
  /// Lines of the input that have been read.
  std::size_t read_ = 0;
  /// The barrier that is on its way.
  std::optional<std::size_t> barrier_;
  std::map<std::int64_t, std::shared_ptr<const operator_state>> states_;
  /// What the operator that runs goes on from; null: from nothing.
  std::shared_ptr<const operator_state> restored_;

  virtual_system system_;
  /// When the scenario began.
  const time_point begin_;
  const scenario_operator* settings_;
  std::unique_ptr<operator_rig> rig_;
};

} // namespace weir::simulation::detail
