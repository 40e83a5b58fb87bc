// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The outside service of a scenario, and the timeout hook: takes the calls of an operator's function, and
/// answers each as the scenario says, within the call or when its time comes. A call *is awaited* until its
/// first answer, or the hook's, is given. It does not know who calls, and keeps no clock: the recorder has the
/// time, and whoever runs the scenario asks when the next answer is due and has it given. One thread.

#include "simulated_operator.hpp"
#include "step_budget.hpp"
#include "trace_recorder.hpp"
#include "weir/event_chooser.hpp"
#include "weir/scenario.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace weir::simulation::detail {

class scripted_service {
public:
  /// Answers that would come behind `end` come just behind it. All outlive the service.
  scripted_service(const scenario& of, trace_recorder& recorder, step_budget& steps, millis end);

  // -- what a function does --

  /// @throws std::runtime_error where the scenario has the call throw.
  void call(const simulated_record& of, simulated_future done);
  void time_out(const simulated_record& of, const scenario_hook& hook, simulated_future done);

  // -- answers that are to come --

  /// When the next is due; `never`: none is.
  millis next_at() const noexcept;

  /// Whether answers to calls that nobody awaits are due now; they change nothing.
  bool has_late() const;
  /// Gives them.
  void give_late();

  /// Whether answers to calls that are awaited are due now.
  bool has_due() const;
  /// Adds the first that is due to each such call, in the order of the calls.
  void add_due(std::vector<event_description>& to) const;
  /// Whether one of them is to the call for the record of this place in the input.
  bool has_due(std::size_t element) const;
  /// Whether one of them is to a call whose record's timeout passes at this time.
  bool has_due_at_deadline(time_point at) const;
  /// Gives the first of them, or the one to the call for that record.
  void give_due();
  void give_due(std::size_t element);

  /// Lets go of all calls, whose operator is gone. How often each value was asked is not forgotten.
  void forget_calls();

  static constexpr millis never = INT64_MAX;

private:
  /// By time, number of the call, and place among the answers to it.
  using schedule = std::map<std::tuple<millis, std::uint64_t, std::size_t>, const scenario_answer*>;

  struct open_call {
    simulated_future done;
    simulated_record of;
    std::uint64_t number = 0;
    millis at = 0;
    const scenario_answer& answers;
    /// How many of them are still to come.
    std::size_t coming = 0;
    bool held_on_to = false;
  };

  const std::vector<scenario_answer>& answers_for(std::int64_t value) const;
  void answer_or_schedule(open_call& to, const scenario_answer& answer, std::size_t place);
  millis time_of(const open_call& of, const scenario_answer& answer) const;
  bool is_awaited(const open_call& call) const { return awaited_[call.of.element] == call.number; }
  void stop_awaiting(const open_call& call);

  bool is_due(const schedule& of) const;
  schedule::const_iterator due_to(std::size_t element) const;
  void give(schedule& of, schedule::const_iterator which);
  void give(open_call& to, const scenario_answer& answer);
  void give_results(simulated_future& to, const std::vector<std::int64_t>& results);

  const scenario& scenario_;
  trace_recorder& recorder_;
  step_budget& steps_;
  const millis end_;
  std::map<std::int64_t, std::size_t> calls_of_;
  std::uint64_t last_call_ = 0;
  std::map<std::uint64_t, open_call> calls_;
  /// By element: the call that is awaited; 0: none.
  std::vector<std::uint64_t> awaited_;
  /// Answers to calls that are awaited, and to others.
  schedule answers_;
  schedule late_;
  /// Futures of hooks that gave nothing.
  std::vector<simulated_future> held_hooks_;
};

} // namespace weir::simulation::detail
