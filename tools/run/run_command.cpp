// SPDX-License-Identifier: Apache-2.0
#include "run_command.hpp"

#include "command_output.hpp"
#include "duration_text.hpp"
#include "job_builder.hpp"
#include "job_file.hpp"
#include "job_wait.hpp"
#include "log_queue.hpp"
#include "option_words.hpp"
#include "summary.hpp"
#include "validate_report.hpp"

#include "weir/restart_strategy.hpp"

#include <algorithm>
#include <memory>
#include <unistd.h>
#include <utility>

namespace weir::tool {

namespace {

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
  for (const auto& each : folder.removed_of_others)
    output.say("removed " + each + ", which a run with checkpoints had left; that run cannot go on any more");
}

/// Records on a terminal say themselves how far the job is, and a line between them would be in
/// their way.
bool wants_progress(const job_file& what, const run_arguments& arguments,
                    const command_output& output) {
  const bool records_on_terminal
    = what.sink.is_standard_output() && ::isatty(output.standard_output().fd()) == 1;
  return !arguments.quiet && !records_on_terminal;
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

/// Says why and ends.
int end_not_started(command_output& output, std::vector<std::string> why, const job_file& what,
                    const run_arguments& arguments, int code = exit_code::job_failed) {
  for (const auto& line : why)
    output.say(line);
  if (arguments.json)
    print_summary(output, summarize_not_started(what, std::move(why)), what, arguments);
  return code;
}

/// Options that do not go with the job.
std::vector<std::string> option_mistakes(const run_arguments& arguments, const job_file& what) {
  std::vector<std::string> found;
  const auto check = [&](bool is_wrong, const char* option, const char* why) {
    if (is_wrong)
      found.push_back(std::string{option} + ": " + why);
  };
  constexpr const char* none_there
    = "the job has no [checkpoints], so each of its runs begins at the begin of its input";
  const bool keeps = what.checkpoints.has_value();
  check(!keeps && !arguments.drop_state.empty(), "--drop-state", none_there);
  check(!keeps && arguments.from, "--from", none_there);
  check(!keeps && arguments.discard_newer_output, "--discard-newer-output", none_there);
  check(keeps && arguments.keep_partial, "--keep-partial",
        "the job has [checkpoints]: what is visible stays, and the same command goes on behind it");
  check(!keeps && what.restart && what.restart->enabled() && arguments.keep_partial,
        "--keep-partial",
        "the job has a [restart] strategy, by which it begins its output anew");
  return found;
}

run_options options_of(const run_arguments& arguments, const job_file& what) {
  run_options options;
  options.keep_partial = arguments.keep_partial;
  options.fresh = arguments.fresh;
  options.remove_old_output = arguments.force && what.checkpoints;
  options.drop_state = arguments.drop_state;
  options.from = arguments.from;
  options.discard_newer_output = arguments.discard_newer_output;
  return options;
}

/// With checkpoints: whether the job was not started, since what it would go on from, or its options, are
/// against it.
bool is_refused(const job& started, const job_file& what) {
  return what.checkpoints && started.how_started().run_number == 0;
}

int code_of_refusal(const job_result& result) {
  const bool any_usage = std::any_of(result.why.begin(), result.why.end(), [](const error& each) {
    return each.is(error_kind::argument);
  });
  return any_usage ? exit_code::bad_usage : exit_code::job_failed;
}

/// "--a", "--a and --b", "--a, --b and --c".
std::string in_words(const std::vector<std::string>& options) {
  std::string words;
  for (std::size_t i = 0; i < options.size(); ++i)
    words += (i == 0 ? "" : i + 1 == options.size() ? " and " : ", ") + options[i];
  return words;
}

/// Options by which this start has chosen what it begins with. Given once more, they would begin anew, let go of
/// what is held by now, or go back once more.
std::vector<std::string> options_of_begin(const run_arguments& arguments) {
  std::vector<std::string> given;
  if (arguments.fresh)
    given.push_back("--fresh");
  if (!arguments.drop_state.empty())
    given.push_back("--drop-state");
  if (arguments.from)
    given.push_back("--from");
  if (arguments.discard_newer_output)
    given.push_back("--discard-newer-output");
  return given;
}

/// What the next start does, where this one has not come to the end and a further one may.
void say_what_follows(command_output& output, const job_file& what, const run_arguments& arguments,
                      const job_start& how, const job_result& result) {
  if (!what.checkpoints || result.end == job_end::done || !result.checkpoint
      || !std::all_of(result.why.begin(), result.why.end(), may_pass))
    return;
  // Where there is no newer checkpoint the same is to be begun with again.
  const auto begun = result.checkpoint == how.checkpoint ? std::vector<std::string>{}
                                                         : options_of_begin(arguments);
  output.say((begun.empty() ? "" : "without " + in_words(begun) + " ")
             + "the same command goes on from checkpoint " + std::to_string(*result.checkpoint)
             + ", which holds " + counted_text(result.held, "record"));
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
  if (any_said(output, option_mistakes(arguments, what), path,
               [](const std::string& each) { return each; }))
    return exit_code::bad_usage;
  if (arguments.validate)
    return validate(output, what, path, *drivers);

  // A job that was finished needs neither; else its start fails, before anything is changed.
  const auto ready = try_inputs(what, *drivers);
  if (!ready && !what.checkpoints)
    return end_not_started(output, {ready.why().text()}, what, arguments);
  auto outputs = open_outputs(what, arguments.force);
  if (!outputs)
    return end_not_started(output, {text_of(outputs.why())}, what, arguments);
  if (!arguments.quiet)
    say_removed(output, outputs->folder, what.sink.path);

  const auto log = std::make_shared<log_queue>();
  auto env = build_job(what, drivers, *outputs, [log](log_entry entry) {
    entry.message = with_option_names(std::move(entry.message));
    log->add(entry);
  });
  auto running = env.start(what.name, options_of(arguments, what));
  const auto& how = running.how_started();
  if (how.kind != start_kind::finished && !is_refused(running, what))
    outputs->folder.lock.keep_folder();
  auto result = wait_for_end(running, what, *log, signals, output,
                             wants_progress(what, arguments, output));
  // What the stages say of it is less.
  const bool was_tried = result.end == job_end::failed && result.took == duration{0};
  if (!ready && was_tried && !is_refused(running, what))
    result.why = {ready.why()};
  if (is_refused(running, what))
    return end_not_started(output, reasons(what, result), what, arguments, code_of_refusal(result));
  for (const auto& line : reasons(what, result))
    output.say(line);
  say_what_follows(output, what, arguments, how, result);
  if (how.kind == start_kind::finished && !arguments.json)
    return exit_code::done;
  const auto sum = summarize(what, running.status(), result, how);
  const bool printed = print_summary(output, sum, what, arguments);
  const int code = exit_code_of(result.end);
  return code == exit_code::done && !printed ? exit_code::job_failed : code;
}

} // namespace weir::tool
