// SPDX-License-Identifier: Apache-2.0
#include "weir/actor_simulation.hpp"

#include "actor_run.hpp"
#include "scenario_mistakes.hpp"

#include <utility>

namespace weir::simulation {

expected<trace> simulate_on_actors(const scenario& what, const simulation_limits& limits) {
  if (auto mistake = detail::mistake_in(what))
    return std::move(*mistake);
  return detail::actor_run{what, limits, nullptr}.to_end();
}

expected<trace> simulate_on_actors(const scenario& what, const actor_order& order,
                                   const simulation_limits& limits) {
  if (auto mistake = detail::mistake_in(what))
    return std::move(*mistake);
  return detail::actor_run{what, limits, &order}.to_end();
}

} // namespace weir::simulation
