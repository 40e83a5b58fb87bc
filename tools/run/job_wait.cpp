// SPDX-License-Identifier: Apache-2.0
#include "job_wait.hpp"

#include "duration_text.hpp"
#include "progress.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>

namespace weir::tool {

namespace {

using namespace std::chrono_literals;

/// How soon it is said what a signal has done.
constexpr duration look_interval = 100ms;

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

/// What the first or the second signal does.
std::string effect_of(std::size_t nth, const job_file& what) {
  if (nth > 1)
    return "cancelled by a second signal";
  if (what.checkpoints)
    return "stopping: nothing more is read; a last checkpoint is made (a second signal cancels)";
  return "stopping: nothing more is read; what has been read has " + exact_text(what.drain_timeout)
         + " to come out (a second signal cancels)";
}

void pass_on(std::size_t nth, const job_file& what, job& running) {
  if (nth > 1)
    running.cancel();
  else if (what.checkpoints)
    running.stop();
  else
    running.drain(what.drain_timeout);
}

} // namespace

job_result wait_for_end(job& running, const job_file& what, log_queue& log, stop_signals& signals,
                        command_output& output, bool shows_progress) {
  const stop_signals::reaction passes_on{signals,
                                         [&](std::size_t nth) { pass_on(nth, what, running); }};
  progress shown{what.name, output.standard_error(), time_point::clock::now(),
                 running.how_started().before};
  std::size_t said = 0;
  const auto say_effects = [&](std::size_t count) {
    for (; said < std::min<std::size_t>(count, 2); ++said) {
      shown.clear();
      output.say(effect_of(said + 1, what));
    }
  };
  const auto say_log = [&] {
    for (const auto& line : log.take()) {
      shown.clear();
      output.say(line);
    }
  };
  // How it begins, before anything else.
  say_log();
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

} // namespace weir::tool
