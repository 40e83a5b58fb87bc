// SPDX-License-Identifier: Apache-2.0
#include "weir/machine_simulation.hpp"

#include "machine_run.hpp"
#include "scenario_mistakes.hpp"

#include <utility>

namespace weir::simulation {

expected<trace> simulate(const scenario& what, const simulation_options& options) {
  if (auto mistake = detail::mistake_in(what))
    return std::move(*mistake);
  return detail::machine_run{what, options}.to_end();
}

} // namespace weir::simulation
