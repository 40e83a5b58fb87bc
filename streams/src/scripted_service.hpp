// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The outside service of a scenario, and the timeout hook: takes the calls of an operator's function, and
/// answers each as the scenario says, within the call or when its time comes. It does not know who calls, and
/// keeps no clock: the recorder has the time, and whoever runs the scenario asks when the next answer is due
/// and has it given. One thread.

#include "simulated_operator.hpp"
#include "step_budget.hpp"
#include "trace_recorder.hpp"
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
  /// Gives it.
  void give_next();
  /// Lets go of all calls, whose operator is gone. How often each value was asked is not forgotten.
  void forget_calls();

  static constexpr millis never = INT64_MAX;

private:
  struct open_call {
    simulated_future done;
    simulated_record of;
    /// Answers that are still to come.
    std::size_t coming = 0;
    bool held_on_to = false;
  };

  const std::vector<scenario_answer>& answers_for(std::int64_t value) const;
  void answer_or_schedule(open_call& to, std::uint64_t number, const scenario_answer& answer,
                          std::size_t place);
  void give(open_call& to, std::uint64_t number, const scenario_answer& answer);
  void give_results(simulated_future& to, const std::vector<std::int64_t>& results);

  const scenario& scenario_;
  trace_recorder& recorder_;
  step_budget& steps_;
  const millis end_;
  std::map<std::int64_t, std::size_t> calls_of_;
  std::uint64_t last_call_ = 0;
  std::map<std::uint64_t, open_call> calls_;
  /// By time, number of the call, and place among the answers to it.
  std::map<std::tuple<millis, std::uint64_t, std::size_t>, const scenario_answer*> answers_;
};

} // namespace weir::simulation::detail
