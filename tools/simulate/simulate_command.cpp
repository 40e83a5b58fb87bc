// SPDX-License-Identifier: Apache-2.0
#include "simulate_command.hpp"

#include "command_output.hpp"
#include "duration_text.hpp"
#include "scenario_reader.hpp"
#include "timeline.hpp"
#include "trace_check.hpp"
#include "trace_text.hpp"

#include "weir/machine_simulation.hpp"

#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace weir::tool {

namespace {

/// Standard output, which is left alone once it could not be written.
class printer {
public:
  printer(command_output& to, std::string name) : to_(to), name_(std::move(name)) {}

  void print(std::string_view text) {
    written_ = written_ && to_.print(to_.standard_output(), text, name_);
  }

  /// `code`, or that of output that was lost.
  int exit_code(int code) const {
    return written_ || code != exit_code::done ? code : exit_code::not_written;
  }

private:
  command_output& to_;
  const std::string name_;
  bool written_ = true;
};

/// Says what is wrong; whether anything is.
bool any_said(command_output& output, const std::vector<mistake>& mistakes) {
  for (const auto& each : mistakes)
    output.say(each.text());
  if (!mistakes.empty())
    output.say(counted_text(mistakes.size(), "mistake") + "; nothing was run");
  return !mistakes.empty();
}

void say_too_long(command_output& output, const found_scenario& of, const error& why) {
  output.say(of.where() + ": scenario " + of.what.name + ": " + why.message());
}

int print_traces(command_output& output, const simulate_arguments& arguments,
                 const std::vector<found_scenario>& all) {
  printer out{output, "the traces"};
  int code = exit_code::done;
  for (const auto& each : all)
    if (const auto trace = arguments.run(each.what)) {
      out.print(trace_json(*trace) + "\n");
    } else {
      say_too_long(output, each, trace.why());
      code = exit_code::bad_usage;
    }
  return out.exit_code(code);
}

int print_timelines(command_output& output, const std::vector<found_scenario>& all) {
  printer out{output, "the timelines"};
  int code = exit_code::done;
  out.print(timeline_legend());
  for (const auto& each : all) {
    std::vector<simulation::happening> log;
    if (const auto trace = simulation::simulate(each.what, {.log = &log}); !trace) {
      say_too_long(output, each, trace.why());
      code = exit_code::bad_usage;
    } else {
      out.print("\n" + timeline_text(each.what, log));
    }
  }
  return out.exit_code(code);
}

int print_explorations(command_output& output, const std::vector<found_scenario>& all,
                       const simulate_arguments& arguments) {
  printer out{output, "what was found"};
  std::size_t hold = 0;
  std::size_t do_not = 0;
  int code = exit_code::done;
  for (const auto& each : all)
    if (const auto explored
        = arguments.explored_actor
            ? explore_actors(each.what, arguments.seeds, arguments.explored_actor)
            : explore(each.what, arguments.seeds)) {
      ++(explored->found ? do_not : hold);
      out.print(exploration_text(each.what, *explored, each.file));
    } else {
      say_too_long(output, each, explored.why());
      code = exit_code::bad_usage;
    }
  out.print(std::to_string(hold) + " hold, " + std::to_string(do_not) + " do not\n");
  if (code == exit_code::done && do_not > 0)
    code = exit_code::rules_broken;
  return out.exit_code(code);
}

/// What there is under one name.
struct namesakes {
  std::vector<const found_scenario*> scenarios;
  std::vector<const found_trace*> traces;
};

/// Names in the order in which they come, those of scenarios first.
class comparison {
public:
  comparison(command_output& output, const simulate_arguments& arguments,
             const std::vector<found_scenario>& scenarios, const std::vector<found_trace>& traces)
    : output_(output), arguments_(arguments) {
    for (const auto& each : scenarios)
      under(each.what.name).scenarios.push_back(&each);
    for (const auto& each : traces)
      under(each.what.name).traces.push_back(&each);
  }

  int print(printer& out, const std::string& traces_path) {
    for (const auto* name : order_)
      compare(*name, by_name_.at(*name), out, traces_path);
    out.print(std::to_string(agree_) + " agree, " + std::to_string(differ_) + " differ\n");
    return ran_too_long_ ? exit_code::bad_usage
                         : differ_ > 0 ? exit_code::traces_differ : exit_code::done;
  }

private:
  namesakes& under(const std::string& name) {
    const auto [at, is_new] = by_name_.try_emplace(name);
    if (is_new)
      order_.push_back(&at->first);
    return at->second;
  }

  void compare(const std::string& name, const namesakes& of, printer& out,
               const std::string& traces_path) {
    const auto difference = difference_of(of, traces_path);
    if (difference.empty()) {
      ++agree_;
      return;
    }
    ++differ_;
    out.print(name + ": " + difference);
  }

  std::string difference_of(const namesakes& of, const std::string& traces_path) {
    if (of.scenarios.size() > 1)
      return places("scenarios have this name", of.scenarios);
    if (of.traces.size() > 1)
      return places("traces have this name", of.traces);
    if (of.traces.empty())
      return "the scenario at " + of.scenarios[0]->where() + " has no trace in " + traces_path
             + "\n";
    if (of.scenarios.empty())
      return "the trace at " + of.traces[0]->where() + " has no scenario\n";
    return run_difference(*of.scenarios[0], *of.traces[0]);
  }

  std::string run_difference(const found_scenario& scenario, const found_trace& expected) {
    const auto came = arguments_.run(scenario.what);
    if (!came) {
      ran_too_long_ = true;
      say_too_long(output_, scenario, came.why());
      return came.why().message() + "\n";
    }
    const auto text = difference_text(expected.what, *came);
    return text.empty() ? text
                        : "the scenario at " + scenario.where() + " differs from the trace at "
                            + expected.where() + "\n" + text;
  }

  template <class T>
  static std::string places(const char* what, const std::vector<const T*>& all) {
    auto text = std::to_string(all.size()) + " " + what + ":";
    for (const auto* each : all)
      text += " " + each->where();
    return text + "\n";
  }

  command_output& output_;
  const simulate_arguments& arguments_;
  std::map<std::string, namesakes> by_name_;
  std::vector<const std::string*> order_;
  std::size_t agree_ = 0;
  std::size_t differ_ = 0;
  bool ran_too_long_ = false;
};

int check_traces(command_output& output, const simulate_arguments& arguments,
                 std::vector<mistake> mistakes,
                 const std::vector<found_scenario>& scenarios) {
  const auto traces = load_traces(arguments.traces);
  mistakes.insert(mistakes.end(), traces.mistakes.begin(), traces.mistakes.end());
  if (any_said(output, mistakes))
    return exit_code::bad_usage;
  printer out{output, "the comparison"};
  comparison all{output, arguments, scenarios, traces.all};
  return out.exit_code(all.print(out, arguments.traces));
}

} // namespace

int simulate_command(const simulate_arguments& arguments) {
  command_output output;
  auto read = load_scenarios(arguments.files);
  if (!arguments.traces.empty())
    return check_traces(output, arguments, std::move(read.mistakes), read.all);
  const auto repeated = repeated_names(read.all);
  read.mistakes.insert(read.mistakes.end(), repeated.begin(), repeated.end());
  if (any_said(output, read.mistakes))
    return exit_code::bad_usage;
  if (arguments.explore)
    return print_explorations(output, read.all, arguments);
  return arguments.timeline ? print_timelines(output, read.all)
                            : print_traces(output, arguments, read.all);
}

} // namespace weir::tool
