// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_section.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool {

namespace {

constexpr std::int64_t count_max = 1'000'000;
constexpr double multiplier_max = 1e300;

constexpr choices<restore_mode, 2> restore_modes{
  {{"resume", restore_mode::resume}, {"call_all", restore_mode::call_all}}};

enum class restart_kind { none, fixed_delay, exponential_delay, failure_rate };
constexpr choices<restart_kind, 4> restart_kinds{
  {{"none", restart_kind::none},
   {"fixed_delay", restart_kind::fixed_delay},
   {"exponential_delay", restart_kind::exponential_delay},
   {"failure_rate", restart_kind::failure_rate}}};

/// A key, and the one or two strategies that use it.
struct restart_key {
  std::string_view name;
  restart_kind first;
  restart_kind second;

  bool is_of(restart_kind kind) const { return kind == first || kind == second; }
};

constexpr restart_key restart_keys[] = {
  {"max_restarts", restart_kind::fixed_delay, restart_kind::exponential_delay},
  {"delay", restart_kind::fixed_delay, restart_kind::failure_rate},
  {"initial", restart_kind::exponential_delay, restart_kind::exponential_delay},
  {"max", restart_kind::exponential_delay, restart_kind::exponential_delay},
  {"multiplier", restart_kind::exponential_delay, restart_kind::exponential_delay},
  {"failures", restart_kind::failure_rate, restart_kind::failure_rate},
  {"per", restart_kind::failure_rate, restart_kind::failure_rate}};

std::string name_of(restart_kind kind) {
  return std::string{restart_kinds[static_cast<std::size_t>(kind)].first};
}

/// The strategies that use a key, in words.
std::string owners_of(const restart_key& key) {
  std::vector<std::string> names{name_of(key.first)};
  if (key.second != key.first)
    names.push_back(name_of(key.second));
  return quoted_list(names);
}

/// Settings are called as their keys are. Nothing of a key that has a mistake already.
void add_mistakes(toml_section& in, const broken_rules& found) {
  for (const auto& [key, given, rule] : found.all())
    if (!in.has_mistake(key))
      in.wrong(key, "must be " + rule + (in.find(key) == nullptr ? "; its default is not" : ""));
}

void refuse_keys_of_others(toml_section& in, restart_kind kind) {
  for (const auto& each : restart_keys)
    if (!each.is_of(kind) && in.find(each.name) != nullptr)
      in.wrong(each.name, "is of no use with strategy = \"" + name_of(kind) + "\"; it belongs to "
                            + owners_of(each));
}

std::uint32_t read_max_restarts(toml_section& in, std::uint32_t otherwise) {
  return static_cast<std::uint32_t>(in.integer("max_restarts", otherwise, 1, count_max));
}

fixed_delay_restart read_fixed_delay(toml_section& in) {
  fixed_delay_restart how;
  how.max_restarts = read_max_restarts(in, how.max_restarts);
  how.delay = in.time("delay").value_or(how.delay);
  return how;
}

exponential_delay_restart read_exponential_delay(toml_section& in) {
  exponential_delay_restart how;
  how.initial = in.time("initial").value_or(how.initial);
  how.max = in.time("max").value_or(how.max);
  how.multiplier = in.number("multiplier", how.multiplier, 1, multiplier_max);
  how.max_restarts = read_max_restarts(in, how.max_restarts);
  // From a mistake nothing follows.
  if (in.has_mistake("initial"))
    how.max = std::max(how.initial, how.max);
  return how;
}

failure_rate_restart read_failure_rate(toml_section& in) {
  failure_rate_restart how;
  how.failures = static_cast<std::uint32_t>(
    in.integer("failures", how.failures, 1, failure_rate_restart::failures_max));
  how.per = in.time("per").value_or(how.per);
  how.delay = in.time("delay").value_or(how.delay);
  return how;
}

restart_strategy read_strategy(toml_section& in, restart_kind kind) {
  switch (kind) {
    case restart_kind::none:
      break;
    case restart_kind::fixed_delay:
      return read_fixed_delay(in);
    case restart_kind::exponential_delay:
      return read_exponential_delay(in);
    case restart_kind::failure_rate:
      return read_failure_rate(in);
  }
  return {};
}

} // namespace

checkpoints_section read_checkpoints(toml_section& in) {
  checkpoints_section section;
  section.directory = in.required_text("directory").value_or("");
  if (section.directory == "-")
    in.wrong("directory", "must be a folder");
  auto& timing = section.timing;
  timing.interval = in.time("interval").value_or(timing.interval);
  timing.min_pause = in.time("min_pause").value_or(timing.min_pause);
  timing.timeout = in.time("timeout").value_or(timing.timeout);
  if (in.find("tolerated_failures") != nullptr)
    timing.tolerated_failures
      = static_cast<std::uint32_t>(in.integer("tolerated_failures", 0, 0, count_max));
  section.keep = static_cast<std::size_t>(
    in.integer("keep", static_cast<std::int64_t>(section.keep), 1, count_max));
  section.on_restore = in.choice("on_restore", restore_modes).value_or(section.on_restore);
  add_mistakes(in, timing.broken());
  in.refuse_unknown();
  return section;
}

std::optional<restart_strategy> read_restart(toml_section in) {
  if (in.find("strategy") == nullptr)
    in.missing("strategy");
  const auto kind = in.choice("strategy", restart_kinds);
  std::optional<restart_strategy> how;
  if (kind) {
    refuse_keys_of_others(in, *kind);
    how = read_strategy(in, *kind);
    add_mistakes(in, how->broken());
  } else {
    // Nobody knows which of these are of use.
    for (const auto& each : restart_keys)
      static_cast<void>(in.find(each.name));
  }
  in.refuse_unknown();
  return how;
}

} // namespace weir::tool
