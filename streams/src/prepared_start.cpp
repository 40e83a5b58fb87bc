// SPDX-License-Identifier: Apache-2.0
#include "prepared_start.hpp"

#include "weir/job_runner.hpp"
#include "weir/prepared_launch.hpp"

#include <utility>

namespace weir {

namespace {

/// Wishes that only a job with checkpoints can have.
std::vector<error> without_checkpoints(const std::string& job, const run_options& options) {
  std::vector<error> found;
  const auto check = [&](bool is_set, const char* what) {
    if (is_set)
      found.emplace_back(error_kind::argument, "job " + job,
                         std::string{what} + " is set but it makes no checkpoints; "
                           "call enable_checkpointing, or leave it out");
  };
  check(options.remove_old_output, "remove_old_output");
  check(!options.drop_state.empty(), "drop_state");
  check(options.from.has_value(), "from");
  check(options.discard_newer_output, "discard_newer_output");
  return found;
}

std::string records_held(std::uint64_t n) {
  return "which holds " + std::to_string(n) + (n == 1 ? " record" : " records");
}

void tell_how(const job_plan& plan, const environment_options& environment, const job_start& how) {
  const auto say = [&](log_level level, const std::string& message) {
    tell(environment.log, {level, "job " + plan.name, message});
  };
  const auto run = "run " + std::to_string(how.run_number);
  if (how.kind == start_kind::finished)
    say(log_level::info, "it is finished (" + run + "); a fresh run begins it anew (fresh)");
  else if (how.kind == start_kind::restored)
    say(log_level::info, "it goes on from checkpoint " + std::to_string(*how.checkpoint) + " of "
                           + run + ", " + records_held(how.held));
  for (const auto& each : how.warnings)
    say(log_level::warning, each);
  for (const auto& each : how.notes)
    say(log_level::info, each);
}

} // namespace

job_status status_of(const job_start& how) {
  auto none = how.before;
  if (how.checkpoint) {
    auto& made = none.checkpoints.emplace();
    made.last = how.checkpoint;
    made.last_made_at_ms = how.made_at_ms;
    made.held = how.held;
  }
  return none;
}

job_result not_started(std::vector<error> why) {
  job_result failed;
  failed.end = job_end::failed;
  failed.why = std::move(why);
  return failed;
}

prepared_start prepare_start(const job_plan& plan, const environment_options& environment,
                             const run_options& options, const run_id& fresh_run) {
  prepared_start made;
  made.settings.keep_partial = options.keep_partial;
  made.settings.log = environment.log;
  auto mistakes = plan.check();
  if (mistakes.empty() && !plan.checkpoints)
    mistakes = without_checkpoints(plan.name, options);
  // Before a launch is prepared, which claims the store.
  if (mistakes.empty() && options.keep_partial)
    mistakes = keep_partial_mistakes(plan, plan.checkpoints.has_value());
  if (!mistakes.empty() || !plan.checkpoints) {
    if (!mistakes.empty())
      made.ended = not_started(std::move(mistakes));
    return made;
  }
  auto launch = prepare_launch(plan,
                               {.fresh = options.fresh,
                                .remove_old_output = options.remove_old_output,
                                .drop_state = options.drop_state,
                                .from = options.from,
                                .discard_newer_output = options.discard_newer_output},
                               fresh_run);
  if (!launch.refusals.empty()) {
    made.ended = not_started(std::move(launch.refusals));
    return made;
  }
  made.how = std::move(launch.made->how);
  tell_how(plan, environment, made.how);
  if (made.how.kind == start_kind::finished) {
    made.ended.emplace();
    made.ended->checkpoint = made.how.checkpoint;
    return made;
  }
  made.settings.checkpoints = std::move(launch.made->with);
  made.settings.newest = std::move(launch.made->newest);
  return made;
}

} // namespace weir
