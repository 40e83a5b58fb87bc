// SPDX-License-Identifier: Apache-2.0
#include "run_command.hpp"

#include "command_output.hpp"
#include "duration_text.hpp"
#include "job_builder.hpp"
#include "job_file.hpp"
#include "log_queue.hpp"
#include "progress.hpp"
#include "summary.hpp"
#include "validate_report.hpp"

#include <algorithm>
#include <iterator>
#include <memory>
#include <unistd.h>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

/// How soon it is said what a signal has done.
constexpr duration look_interval = 100ms;

int exit_code_of(job_end end) {
  switch (end) {
    case job_end::done:
      return exit_code::done;
    case job_end::failed:
      return exit_code::job_failed;
    case job_end::drained:
    case job_end::cancelled:
    case job_end::stopped:
      break;
  }
  return exit_code::stopped_early;
}

/// Says how many mistakes there are; whether there are any.
template <class Mistakes, class Text>
bool any_said(command_output& output, const Mistakes& mistakes, const std::string& path,
              Text text) {
  for (const auto& each : mistakes)
    output.say(text(each));
  if (!mistakes.empty())
    output.say(path + ": " + counted_text(mistakes.size(), "mistake") + "; nothing was run");
  return !mistakes.empty();
}

void say_removed(command_output& output, const output_folder_state& folder,
                 const std::string& path) {
  if (!folder.removed_parts.empty())
    output.say("removed " + counted_text(folder.removed_parts.size(), "part file")
               + " of another run from " + path);
  for (const auto& each : folder.removed_hidden)
    output.say("removed " + each + ", which a run that died had left");
}

/// How many signals an end may be due to.
std::size_t signals_behind(job_end end) {
  switch (end) {
    case job_end::drained:
    case job_end::stopped:
      return 1;
    case job_end::cancelled:
      return 2;
    case job_end::done:
    case job_end::failed:
      break;
  }
  return 0;
}

/// Records on a terminal say themselves how far the job is, and a line between them would be in
/// their way.
bool wants_progress(const job_file& what, const run_arguments& arguments,
                    const command_output& output) {
  const bool records_on_terminal
    = what.sink.is_standard_output() && ::isatty(output.standard_output().fd()) == 1;
  return !arguments.quiet && !records_on_terminal;
}

/// Waits for the job's end, shows progress, and passes signals on.
job_result wait_for_end(job& running, const job_file& what, log_queue& log,
                        stop_signals& signals, command_output& output, bool shows_progress) {
  const stop_signals::reaction passes_on{signals, [&](std::size_t nth) {
    if (nth == 1)
      running.drain(what.drain_timeout);
    else
      running.cancel();
  }};
  const std::string effects[]{
    "stopping: nothing more is read; what has been read has " + exact_text(what.drain_timeout)
      + " to come out (a second signal cancels)",
    "cancelled by a second signal"};
  progress shown{what.name, output.standard_error(), time_point::clock::now()};
  std::size_t said = 0;
  const auto say_effects = [&](std::size_t count) {
    for (; said < std::min(count, std::size(effects)); ++said) {
      shown.clear();
      output.say(effects[said]);
    }
  };
  const auto say_log = [&] {
    for (const auto& line : log.take()) {
      shown.clear();
      output.say(line);
    }
  };
  const auto interval = std::min(look_interval, shown.interval());
  while (!running.wait_for(interval)) {
    say_log();
    say_effects(signals.count());
    if (shows_progress)
      shown.show(running.status(), time_point::clock::now());
  }
  const auto result = running.wait();
  say_log();
  // A drain whose deadline cuts a sink off is cancelled, but by no second signal.
  say_effects(std::min(signals.count(), signals_behind(result.end)));
  shown.clear();
  return result;
}

/// Prints the summary; whether that worked.
bool print_summary(command_output& output, const run_summary& sum, const job_file& what,
                   const run_arguments& arguments) {
  if (arguments.quiet && !arguments.json)
    return true;
  return output.print(what.sink.is_standard_output() ? output.standard_error()
                                                     : output.standard_output(),
                      arguments.json ? summary_json(sum) : summary_text(sum), "the summary");
}

int end_not_started(command_output& output, const error& why, const job_file& what,
                    const run_arguments& arguments) {
  output.say(why.text());
  if (arguments.json)
    print_summary(output, summarize_not_started(what, why), what, arguments);
  return exit_code::job_failed;
}

int validate(command_output& output, const job_file& what, const std::string& path,
             const driver_registry& drivers) {
  const bool printed = output.print(output.standard_output(), validate_report(what, path, drivers),
                                    "the report");
  return printed ? exit_code::done : exit_code::job_failed;
}

} // namespace

int run_command(const run_arguments& arguments, stop_signals& signals) {
  const auto& path = arguments.job_file;
  const auto drivers = known_drivers();
  command_output output{[&signals] { return signals.count() > 0; }};
  const auto loaded = load_job_file(path, arguments.overrides, *drivers);
  if (any_said(output, loaded.mistakes, path, [](const mistake& each) { return each.text(); }))
    return exit_code::bad_usage;
  const auto& what = loaded.job;
  if (any_said(output, build_job(what, drivers, {}).check(), path,
               [&](const error& each) { return path + ": " + each.text(); }))
    return exit_code::bad_usage;
  if (arguments.validate)
    return validate(output, what, path, *drivers);

  if (const auto ready = try_inputs(what, *drivers); !ready)
    return end_not_started(output, ready.why(), what, arguments);
  const auto outputs = open_outputs(what, arguments.force);
  if (!outputs)
    return end_not_started(output, outputs.why(), what, arguments);
  if (!arguments.quiet)
    say_removed(output, outputs->folder, what.sink.path);

  const auto log = std::make_shared<log_queue>();
  auto env = build_job(what, drivers, *outputs, [log](const log_entry& entry) { log->add(entry); });
  auto running = env.start(what.name, {.keep_partial = arguments.keep_partial});
  const auto result = wait_for_end(running, what, *log, signals, output,
                                   wants_progress(what, arguments, output));
  for (const auto& line : reasons(what, result))
    output.say(line);
  const auto sum = summarize(what, running.status(), result);
  const bool printed = print_summary(output, sum, what, arguments);
  const int code = exit_code_of(result.end);
  return code == exit_code::done && !printed ? exit_code::job_failed : code;
}

} // namespace weir::tool
