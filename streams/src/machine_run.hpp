// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One run of a scenario on the bare machine: brings each event to the operator when its time has come, those of
/// one millisecond in the order that docs/scenarios.md gives or a chooser makes, and replaces the operator where
/// the scenario restores it. What the service does and what is written down are the parts' business. One thread.

#include "arrived_input.hpp"
#include "scripted_service.hpp"
#include "simulated_operator.hpp"
#include "step_budget.hpp"
#include "trace_recorder.hpp"
#include "weir/event_chooser.hpp"
#include "weir/machine_simulation.hpp"
#include "weir/state_blocks.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace weir::simulation::detail {

class machine_run final : public user_code {
public:
  /// The scenario has no mistakes, and outlives the run, as the options do.
  machine_run(const scenario& of, const simulation_options& options);

  /// The trace, or which limit the run has passed. Once.
  expected<trace> to_end();

private:
  /// What a barrier left behind.
  struct kept_state {
    state_blocks held;
    std::size_t entries = 0;
    std::vector<std::size_t> waiting;
    /// Where somebody watches: the same once more, and the watcher's borders.
    simulated_snapshot seen;
    std::deque<std::size_t> borders;
  };

  // -- user code --

  void call(const simulated_record& of, simulated_future done) override;
  void time_out(const simulated_record& of, simulated_future done) override;

  // -- events --

  bool find_next_time();
  void handle_next_event();
  void handle_first_event();
  void handle_chosen_event();
  void handle(const event_description& event);
  void handle_timer(const origin& of, record_timer which);
  std::vector<event_description> due_events();
  void add_due_timers(std::vector<event_description>& to);
  void handle_input(std::size_t element);
  void handle_room(const output_room& room);
  void let_watcher_look();
  error too_long(const std::string& why) const;

  const scenario_input* next_input() const;
  const output_room* next_room() const;

  // -- barriers --

  kept_state keep();
  void restore(const operator_restores& how);

  // -- the operator --

  time_point now() const { return time_point{as_duration(recorder_.now())}; }
  operator_outputs out() { return {results_, &dead_letters_}; }
  simulated_operator& machine() { return *operator_; }
  millis next_timer();

  const scenario& scenario_;
  const simulation_limits limits_;
  const event_chooser& choose_;
  step_budget steps_;
  trace_recorder recorder_;
  scripted_service service_;
  arrived_input input_;
  /// Lines of the input that have been read.
  std::size_t read_ = 0;
  /// Places of the scenario's room that have been given.
  std::size_t given_ = 0;
  /// Barriers that a line restores, and what they left behind.
  std::set<std::int64_t> restored_ids_;
  std::map<std::int64_t, kept_state> states_;
  std::shared_ptr<block_pool> blocks_ = std::make_shared<block_pool>();

  journal<simulated_result> results_;
  journal<dead_letter<simulated_record>> dead_letters_;
  const scenario_operator* settings_;
  std::unique_ptr<simulated_operator> operator_;
};

} // namespace weir::simulation::detail
