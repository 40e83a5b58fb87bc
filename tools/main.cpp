// SPDX-License-Identifier: Apache-2.0

#include "checkpoints_command.hpp"
#include "plan_command.hpp"
#include "run_command.hpp"
#include "simulate_command.hpp"

#include "weir/actor_simulation.hpp"
#include "weir/version.hpp"

#include <CLI/CLI.hpp>

#include <cerrno>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <iostream>
#include <string>

namespace {

using namespace weir::tool;

/// A standard descriptor that was closed by whoever started the command would be given to the next
/// file that is opened, which would then get what is meant for people. These fail instead.
void occupy_standard_descriptors() {
  for (const int fd : {0, 1, 2})
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF)
      static_cast<void>(::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY));
}

constexpr const char* common_exit_codes = R"(exit codes:
  0  done
  1  not done: a job failed, traces differ, a rule is broken, a checkpoint is
     damaged, output is lost
  2  bad usage, or a bad file
  3  stopped before the end

weir SUBCOMMAND --help says what they mean there.)";

constexpr const char* run_exit_codes = R"(exit codes:
  0  the job is done, or was finished before; with --validate: the job file has
     no mistakes
  1  the job failed or was refused, or its summary or report could not be
     written
  2  bad usage, or a bad job file
  3  stopped before the end of the input; a job with [checkpoints] goes on by
     the same command, without the options that chose where this start began

A job with [checkpoints] goes on from its newest one by itself. SIGINT or SIGTERM stops reading and
lets what has been read come out, at most for the job's drain_timeout; with [checkpoints] it makes a
last one. A second signal cancels. docs/job-file.md describes job files.)";

void add_run(CLI::App& app, run_arguments& arguments) {
  auto& run = *app.add_subcommand("run", "Run the job that a file describes");
  run.add_option("JOB", arguments.job_file, "The job file (TOML)")->required();
  run.add_option("--set", arguments.overrides,
                 "Override a key, as in --set pool.airports.url=sqlite:other.db or\n"
                 "--set lookup.origin.timeout=2s; the value is TOML, or else a string")
    ->type_name("KEY=VALUE")
    ->take_all()
    ->expected(1)
    ->allow_extra_args(false);
  auto& validate = *run.add_flag("--validate", arguments.validate,
                                 "Only check the job file: all mistakes, warnings, and the\n"
                                 "throughput that each lookup's settings allow");
  run.add_flag("--json", arguments.json,
               "Print the summary as JSON on standard output (on standard error where\n"
               "the records go to standard output)")
    ->excludes(&validate);
  run.add_flag("--quiet", arguments.quiet,
               "No progress, no summary (but that of --json), only errors");
  run.add_flag("--force", arguments.force,
               "Where a run begins: remove the part files of an earlier one from the output\n"
               "folder");
  run.add_flag("--keep-partial", arguments.keep_partial,
               "If the job fails or is cancelled, keep the whole lines that were written; not\n"
               "with [checkpoints]");
  auto& fresh = *run.add_flag("--fresh", arguments.fresh,
                              "Begin a run at the begin of the input, whatever checkpoints there are;\n"
                              "without [checkpoints] each run does");
  run.add_option("--drop-state", arguments.drop_state,
                 "Let go of what the checkpoint holds of this lookup, its records included, or of\n"
                 "dead letters that the job no longer writes, as \"dead letters of LOOKUP\"; may be\n"
                 "given many times")
    ->type_name("NAME")
    ->take_all()
    ->expected(1)
    ->allow_extra_args(false)
    ->excludes(&fresh);
  auto& from = *run.add_option("--from", arguments.from,
                               "Go on from this checkpoint of the newest run, in the place of the newest\n"
                               "(weir checkpoints list)")
                  ->type_name("ID")
                  ->check(CLI::Validator{CLI::NonNegativeNumber}.description(""))
                  ->excludes(&fresh);
  run.add_flag("--discard-newer-output", arguments.discard_newer_output,
               "With --from: move output that is newer than the checkpoint out of the way")
    ->needs(&from);
  run.footer(run_exit_codes);
}

constexpr const char* simulate_exit_codes = R"(exit codes:
  0  all ran; with --check: all agree; with --explore: no rule is broken
  1  with --check: some differ; with --explore: a rule is broken; or the
     output could not be written
  2  bad usage, a bad file, or a scenario that takes too long

docs/scenarios.md describes scenarios and traces.)";

seed_range seeds_of(const std::string& text) {
  const auto seeds = parse_seeds(text);
  if (!seeds)
    throw CLI::ValidationError{"--seeds " + text, seeds.why().message()};
  return *seeds;
}

void add_simulate(CLI::App& app, simulate_arguments& arguments) {
  auto& simulate = *app.add_subcommand(
    "simulate", "Ask the operator what it does when ...: run scenarios in virtual time");
  simulate.add_option("FILE", arguments.files,
                      "Scenarios: a JSON object, or one a line. Without options, one trace a line\n"
                      "is printed")
    ->required();
  auto& check
    = *simulate
         .add_option("--check", arguments.traces,
                     "Compare with the traces in this file, by name, and print each difference")
         ->type_name("TRACES");
  auto& timeline
    = *simulate
         .add_flag("--timeline", arguments.timeline,
                   "Draw each scenario: a row for each element, why it left when it left, and\n"
                   "for whom it waited")
         ->excludes(&check);
  auto& explore
    = *simulate
         .add_flag("--explore", arguments.explore,
                   "Run each scenario in many orders of what falls into one millisecond, and hold\n"
                   "each run against the rules and against an independent model")
         ->excludes(&check)
         ->excludes(&timeline);
  const auto run_actors = [&arguments] {
    arguments.run
      = [](const auto& what) { return weir::simulation::simulate_on_actors(what); };
    arguments.explored_actor = [](const auto& what, const auto& choose, std::uint64_t seed) {
      return weir::simulation::simulate_on_actors(what, {.choose = choose, .seed = seed});
    };
  };
  simulate
    .add_flag_callback("--actors", run_actors,
                       "Run the operator's actor in place of the bare machine, with its messages and\n"
                       "wake-ups, in virtual time; the traces must be the same. With --explore: also in\n"
                       "other orders of messages")
    ->excludes(&timeline);
  simulate
    .add_option_function<std::string>(
      "--seeds", [&](const std::string& text) { arguments.seeds = seeds_of(text); },
      "With --explore: how many orders are drawn, as in 5000, or the seeds that draw\n"
      "them, as in 17..40. Default: 1000")
    ->type_name("N|A..B")
    ->needs(&explore);
  simulate.footer(simulate_exit_codes);
}

constexpr const char* checkpoints_exit_codes = R"(exit codes:
  0  done; with verify: all are sound
  1  a checkpoint is damaged, a folder of checkpoints cannot be read, or the
     output could not be written
  2  bad usage, or no folder of checkpoints)";

constexpr const char* pending_words = R"(pending: output that a sink has written and was still to see to when the checkpoint was made. Of files
a line is the bytes and the name, with a number of its path in front for dead letters. A + behind
the bytes says that it was visible already; the others are made visible once the checkpoint is complete.

)";

void add_checkpoints(CLI::App& app, checkpoints_arguments& arguments) {
  auto& checkpoints = *app.add_subcommand("checkpoints", "Look at the checkpoints of jobs");
  checkpoints.require_subcommand(1);
  checkpoints.footer(checkpoints_exit_codes);
  const auto add = [&](const char* name, const char* what) {
    auto* const made = checkpoints.add_subcommand(name, what);
    made->add_option("DIR", arguments.path,
                     "The directory of a job file's [checkpoints], or the folder of a job, a run or\n"
                     "a checkpoint in it")
      ->required();
    made->footer(checkpoints_exit_codes);
    return made;
  };
  add("list", "A line for each checkpoint: how old, how large, how many records it holds");
  auto* const show = add("show", "What is in one: stages, entries by state, positions, counters");
  show->footer(std::string{pending_words} + checkpoints_exit_codes);
  show->add_option("ID", arguments.id, "The checkpoint's number; default: the newest one");
  show->add_flag("--json", arguments.json, "As a JSON object");
  add("verify", "Read every byte, and name each file and block that is damaged");
}

constexpr const char* plan_exit_codes = R"(exit codes:
  0  done
  1  the output could not be written
  2  bad usage, or a bad summary

docs/performance.md says where the formulas come from, and how far they hold.)";

void add_plan(CLI::App& app, plan_arguments& arguments) {
  auto& plan = *app.add_subcommand(
    "plan", "How large must capacity be for a rate, a latency and a share of retries?");
  plan.add_option("--rate", arguments.rate, "Records a second that come")->required();
  auto& summary = *plan.add_option("--summary", arguments.summary,
                                   "Take the times of calls and the share of retries from what weir run --json\n"
                                   "has printed, where the other options do not say them")
                     ->type_name("FILE");
  plan.add_option("--lookup", arguments.lookup, "Of the summary's lookups this one")
    ->type_name("NAME")
    ->needs(&summary);
  plan.add_option("--latency", arguments.latency, "How long a call takes on average, as in 5ms")->type_name("TIME");
  plan.add_option("--slowest", arguments.slowest,
                  "How long the slowest call takes, which ordered mode waits for; default: latency")
    ->type_name("TIME");
  plan.add_option("--retry-share", arguments.retry_share, "Share of the records that are retried, as in 1% or 0.01")
    ->type_name("SHARE");
  plan.add_option("--retry-time", arguments.retry_time,
                  "How long it is on average from such a record's first failure until its last call\n"
                  "begins, as in 60s")
    ->type_name("TIME");
  plan.add_option("--keys", arguments.keys, "Plan key_ordered too: so many keys, which come equally often")
    ->type_name("N");
  plan.add_option("--record-size", arguments.record_size, "A record in memory, with its result; default: 1KiB")
    ->type_name("SIZE");
  plan.add_flag("--json", arguments.json, "As a JSON object");
  plan.footer(plan_exit_codes);
}

int checkpoints_command(const CLI::App& app, const checkpoints_arguments& arguments) {
  if (app.got_subcommand("list"))
    return list_checkpoints(arguments);
  return app.got_subcommand("show") ? show_checkpoint(arguments) : verify_checkpoints(arguments);
}

} // namespace

int main(int argc, char** argv) {
  occupy_standard_descriptors();
  run_arguments arguments;
  simulate_arguments to_simulate;
  CLI::App app{"Asynchronous calls to outside systems inside a stream"};
  app.name("weir");
  app.set_version_flag("--version", std::string{"weir "} + weir::version_text);
  app.require_subcommand(1);
  app.footer(common_exit_codes);
  add_run(app, arguments);
  add_simulate(app, to_simulate);
  checkpoints_arguments to_look_at;
  add_checkpoints(app, to_look_at);
  plan_arguments to_plan;
  add_plan(app, to_plan);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return app.exit(wrong) == 0 ? exit_code::done : exit_code::bad_usage;
  }
  try {
    if (app.got_subcommand("plan"))
      return plan_command(to_plan);
    if (app.got_subcommand("simulate"))
      return simulate_command(to_simulate);
    if (const auto* checkpoints = app.get_subcommand("checkpoints"); checkpoints->parsed())
      return checkpoints_command(*checkpoints, to_look_at);
    stop_signals signals;
    return run_command(arguments, signals);
  } catch (const std::exception& thrown) {
    std::cerr << "weir: " << thrown.what() << '\n';
    return exit_code::job_failed;
  }
}
