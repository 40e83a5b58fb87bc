// SPDX-License-Identifier: Apache-2.0
#include "weir/machine_simulation.hpp"

#include "machine_run.hpp"
#include "simulated_operator.hpp"

#include <optional>
#include <set>
#include <utility>
#include <variant>

namespace weir::simulation {

namespace {

using namespace detail;

/// What would keep an operator of these settings from being built.
std::optional<error> mistake_in(const scenario_operator& with) {
  auto mistakes = options_of(with).mistakes();
  return mistakes.empty() ? std::nullopt : std::optional{std::move(mistakes.front())};
}

std::optional<error> mistake_in(const scenario& what) {
  auto found = mistake_in(what.with);
  std::set<std::int64_t> barriers;
  for (const auto& line : what.input)
    if (const auto* barrier = std::get_if<barrier_arrives>(&line.what)) {
      barriers.insert(barrier->id);
    } else if (const auto* how = std::get_if<operator_restores>(&line.what)) {
      if (!found && how->with)
        found = mistake_in(*how->with);
      if (!found && !barriers.contains(how->id))
        found = error{error_kind::argument, "scenario " + what.name,
                      "it restores barrier " + std::to_string(how->id) + ", which has not come"};
    }
  return found;
}

} // namespace

expected<trace> simulate(const scenario& what, const simulation_options& options) {
  if (auto mistake = mistake_in(what))
    return std::move(*mistake);
  return machine_run{what, options}.to_end();
}

} // namespace weir::simulation
