// SPDX-License-Identifier: Apache-2.0
#include "kill_loop.hpp"

#include <csignal>
#include <random>
#include <stdexcept>
#include <string_view>

namespace weir::tool::testing {

namespace {

constexpr int killed_code = 128 + SIGKILL;

/// From 0 to below `bound`.
std::size_t below(std::mt19937_64& chance, std::size_t bound) {
  return static_cast<std::size_t>(chance() % bound);
}

/// Whether a start said that it goes on behind the job's very beginning.
bool says_that_it_goes_on(const std::string& err) {
  constexpr std::string_view words = "goes on from checkpoint ";
  const auto at = err.find(words);
  return at != err.npos && err.compare(at + words.size(), 1, "0") != 0;
}

std::vector<std::string> drawn_arguments(const kill_plan& plan, std::mt19937_64& chance) {
  auto arguments = plan.arguments;
  for (const auto& each : plan.settings)
    arguments.insert(arguments.end(),
                     {"--set", each.key + "=" + each.values[below(chance, each.values.size())]});
  return arguments;
}

} // namespace

kill_tally& kill_tally::operator+=(const kill_tally& other) {
  starts += other.starts;
  kills += other.kills;
  went_on += other.went_on;
  asked_again += other.asked_again;
  return *this;
}

std::string kill_tally::shortfall(int kills_wanted) const {
  if (kills < kills_wanted)
    return "only " + std::to_string(kills) + " of " + std::to_string(kills_wanted)
           + " died by the signal";
  if (went_on == 0)
    return "no start went on from a checkpoint";
  if (2 * went_on < kills)
    return "only " + std::to_string(went_on) + " starts behind " + std::to_string(kills)
           + " kills went on from a checkpoint";
  if (asked_again <= 0)
    return "nothing was ever under way: no question was asked again";
  return {};
}

finished_command run_for(const std::string& folder, const std::vector<std::string>& arguments,
                         std::optional<std::chrono::milliseconds> life) {
  std::vector<std::string> all{"run", "job.toml", "--json"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  running_command command{folder, all};
  if (life && !command.ends_within(*life))
    command.signal(SIGKILL);
  return command.finish();
}

kill_tally kill_job_until_done(const std::string& folder, const kill_plan& plan,
                               const look_at_job& look) {
  std::mt19937_64 chance{plan.seed};
  const auto lives = static_cast<std::size_t>((plan.life_max - plan.life_min).count() + 1);
  kill_tally met;
  for (;;) {
    const bool draws = met.starts > 0 && below(chance, 3) == 0;
    const auto arguments = draws ? drawn_arguments(plan, chance) : plan.arguments;
    std::optional<std::chrono::milliseconds> life;
    if (met.kills < plan.kills)
      life = plan.life_min + std::chrono::milliseconds{below(chance, lives)};
    const auto ended = run_for(folder, arguments, life);
    ++met.starts;
    if (says_that_it_goes_on(ended.err))
      ++met.went_on;
    const bool killed = ended.code == killed_code;
    if (killed)
      ++met.kills;
    const auto wrong = killed || ended.code == 0
                         ? look(ended, !killed)
                         : "exit code " + std::to_string(ended.code) + ": " + ended.err;
    if (!wrong.empty())
      throw std::runtime_error{"start " + std::to_string(met.starts) + " of seed "
                               + std::to_string(plan.seed) + ": " + wrong};
    if (!killed)
      return met;
  }
}

} // namespace weir::tool::testing
