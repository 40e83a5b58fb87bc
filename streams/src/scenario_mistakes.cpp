// SPDX-License-Identifier: Apache-2.0
#include "scenario_mistakes.hpp"

#include "simulated_operator.hpp"

#include <set>
#include <string>
#include <utility>
#include <variant>

namespace weir::simulation::detail {

namespace {

/// What would keep an operator of these settings from being built.
std::optional<error> mistake_in(const scenario_operator& with) {
  auto mistakes = options_of(with).mistakes();
  return mistakes.empty() ? std::nullopt : std::optional{std::move(mistakes.front())};
}

} // namespace

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

} // namespace weir::simulation::detail
