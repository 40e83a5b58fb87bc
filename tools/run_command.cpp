// SPDX-License-Identifier: Apache-2.0
#include "run_command.hpp"

#include "duration_text.hpp"
#include "job_builder.hpp"
#include "job_file.hpp"
#include "progress.hpp"
#include "summary.hpp"
#include "validate_report.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <unistd.h>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

/// How soon it is said what a signal has done.
constexpr duration look_interval = 100ms;

/// 0, or the errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno != EINTR)
      return errno;
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return 0;
}

/// A message to the person who runs the command. Where it cannot be written, nobody can be told.
void say(const std::string& line) {
  static_cast<void>(write_all(STDERR_FILENO, "weir: " + line + "\n"));
}

int exit_code_of(job_end end) {
  switch (end) {
    case job_end::done:
      return exit_code::done;
    case job_end::failed:
      return exit_code::job_failed;
    case job_end::drained:
    case job_end::cancelled:
      break;
  }
  return exit_code::stopped_early;
}

/// Says how many mistakes there are; whether there are any.
template <class Mistakes, class Text>
bool any_said(const Mistakes& mistakes, const std::string& path, Text text) {
  for (const auto& each : mistakes)
    say(text(each));
  if (!mistakes.empty())
    say(path + ": " + std::to_string(mistakes.size())
        + (mistakes.size() == 1 ? " mistake" : " mistakes") + "; nothing was run");
  return !mistakes.empty();
}

void say_removed(const output_folder_state& folder, const std::string& path) {
  if (!folder.removed_parts.empty())
    say("removed " + std::to_string(folder.removed_parts.size())
        + " part file(s) of another run from " + path);
  for (const auto& each : folder.removed_hidden)
    say("removed " + each + ", which a run that died had left");
}

/// How many signals an end may be due to.
std::size_t signals_behind(job_end end) {
  switch (end) {
    case job_end::drained:
      return 1;
    case job_end::cancelled:
      return 2;
    case job_end::done:
    case job_end::failed:
      break;
  }
  return 0;
}

/// Waits for the job's end, shows progress, and passes signals on.
job_result wait_for_end(job& running, const job_file& what, stop_signals& signals, bool quiet) {
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
  progress shown{what.name, STDERR_FILENO, time_point::clock::now()};
  std::size_t said = 0;
  const auto say_effects = [&](std::size_t count) {
    for (; said < std::min(count, std::size(effects)); ++said) {
      shown.clear();
      say(effects[said]);
    }
  };
  const auto interval = std::min(look_interval, shown.interval());
  while (!running.wait_for(interval)) {
    say_effects(signals.count());
    if (!quiet)
      shown.show(running.status(), time_point::clock::now());
  }
  const auto result = running.wait();
  // A drain whose deadline cuts a sink off is cancelled, but by no second signal.
  say_effects(std::min(signals.count(), signals_behind(result.end)));
  shown.clear();
  return result;
}

/// Prints the summary; whether that worked.
bool print_summary(const run_summary& sum, const job_file& what, const run_arguments& arguments) {
  if (arguments.quiet && !arguments.json)
    return true;
  const bool beside_records = what.sink.is_standard_output();
  const auto text = arguments.json ? summary_json(sum) : summary_text(sum);
  const int code = write_all(beside_records ? STDERR_FILENO : STDOUT_FILENO, text);
  if (code != 0)
    say(std::string{"the summary cannot be written to "}
        + (beside_records ? "standard error" : "standard output") + ": " + std::strerror(code));
  return code == 0;
}

int validate(const job_file& what, const std::string& path, const driver_registry& drivers) {
  const int code = write_all(STDOUT_FILENO, validate_report(what, path, drivers));
  if (code == 0)
    return exit_code::done;
  say(std::string{"the report cannot be written to standard output: "} + std::strerror(code));
  return exit_code::job_failed;
}

} // namespace

int run_command(const run_arguments& arguments, stop_signals& signals) {
  const auto& path = arguments.job_file;
  const auto drivers = known_drivers();
  const auto loaded = load_job_file(path, arguments.overrides, *drivers);
  if (any_said(loaded.mistakes, path, [](const mistake& each) { return each.text(); }))
    return exit_code::bad_usage;
  const auto& what = loaded.job;
  if (any_said(build_job(what, drivers, {}).env.check(), path,
               [&](const error& each) { return path + ": " + each.text(); }))
    return exit_code::bad_usage;
  if (arguments.validate)
    return validate(what, path, *drivers);

  if (const auto ready = try_inputs(what, *drivers); !ready) {
    say(ready.why().text());
    return exit_code::job_failed;
  }
  const auto outputs = open_outputs(what, arguments.force);
  if (!outputs) {
    say(outputs.why().text());
    return exit_code::job_failed;
  }
  if (!arguments.quiet)
    say_removed(outputs->folder, what.sink.path);

  auto built = build_job(what, drivers, *outputs);
  auto running = built.env.start(what.name, {.keep_partial = arguments.keep_partial});
  const auto result = wait_for_end(running, what, signals, arguments.quiet);
  for (const auto& line : reasons(what, result))
    say(line);
  const auto sum = summarize(what, running.status(), result, built.counts);
  const bool printed = print_summary(sum, what, arguments);
  const int code = exit_code_of(result.end);
  return code == exit_code::done && !printed ? exit_code::job_failed : code;
}

} // namespace weir::tool
