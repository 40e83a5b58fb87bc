// SPDX-License-Identifier: Apache-2.0
#include "plan_command.hpp"

#include "command_output.hpp"
#include "duration_text.hpp"
#include "exit_code.hpp"
#include "plan_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <string_view>
#include <tuple>
#include <utility>

namespace weir::tool {

namespace {

using nlohmann::json;

error wrong(std::string thing, std::string rule) {
  return {error_kind::argument, std::move(thing), std::move(rule)};
}

expected<duration> time_of(const char* option, const std::string& text) {
  if (const auto parsed = parse_duration(text))
    return *parsed;
  return wrong(std::string{option} + " " + text, "must be " + std::string{duration_rule});
}

expected<double> share_of(const std::string& text) {
  const bool percent = text.ends_with('%');
  const auto number = std::string_view{text}.substr(0, text.size() - (percent ? 1 : 0));
  double share = 0;
  const auto [end, fault] = std::from_chars(number.data(), number.data() + number.size(), share);
  if (fault != std::errc{} || end != number.data() + number.size())
    return wrong("--retry-share " + text, "must be a share such as 0.01 or 1%");
  return percent ? share / 100 : share;
}

/// The lookup's object in a summary.
expected<json> lookup_in(const std::string& path, const std::string& name) {
  std::ifstream file{path};
  if (!file)
    return wrong(path, "cannot be opened; give a file with what weir run --json has printed");
  const auto all = json::parse(file, nullptr, false);
  const auto lookups = all.is_object() ? all.find("lookups") : all.end();
  if (!all.is_object() || lookups == all.end() || !lookups->is_array() || lookups->empty())
    return wrong(path, "is not the summary of a run with lookups, as weir run --json prints it");
  std::string names;
  for (const auto& each : *lookups) {
    const auto its = each.is_object() && each.contains("name") && each["name"].is_string()
                       ? each["name"].get<std::string>()
                       : std::string{};
    if (its == name || (name.empty() && lookups->size() == 1))
      return each;
    names += (names.empty() ? "" : ", ") + its;
  }
  if (name.empty())
    return wrong(path, "has several lookups; choose one with --lookup: " + names);
  return wrong("--lookup " + name, "is not in " + path + ", which has " + names);
}

/// A number of the lookup; nothing where it has none.
std::optional<double> number_in(const json& lookup, const char* name) {
  const auto found = lookup.find(name);
  if (found == lookup.end() || !found->is_number())
    return std::nullopt;
  return found->get<double>();
}

duration of_ms(double ms) {
  return duration{std::llround(std::min(ms, 1e12) * 1e6)};
}

/// What the options leave open.
expected<void> take_from_summary(const plan_arguments& arguments, expected_load& load) {
  const auto lookup = lookup_in(arguments.summary, arguments.lookup);
  if (!lookup)
    return lookup.why();
  const auto mean = number_in(*lookup, "call_mean_ms");
  const auto slowest = number_in(*lookup, "call_max_ms");
  if (!mean || !slowest)
    return wrong(arguments.summary, "says no times of calls: its run made none, or it is of an older weir");
  if (!arguments.latency)
    load.latency = of_ms(*mean);
  if (!arguments.slowest)
    load.slowest = std::max(load.latency, of_ms(*slowest));
  const auto records = number_in(*lookup, "records_in").value_or(0);
  if (!arguments.retry_share && records > 0)
    load.retry_share = std::clamp(number_in(*lookup, "retries").value_or(0) / records, 0.0, 1.0);
  return {};
}

} // namespace

expected<expected_load> load_of(const plan_arguments& arguments) {
  expected_load load;
  load.rate = arguments.rate;
  load.keys = arguments.keys;
  for (const auto& [option, text, into] :
       {std::tuple{"--latency", &arguments.latency, &load.latency},
        {"--slowest", &arguments.slowest, &load.slowest},
        {"--retry-time", &arguments.retry_time, &load.retry_time}})
    if (*text) {
      const auto read = time_of(option, **text);
      if (!read)
        return read.why();
      *into = *read;
    }
  if (arguments.retry_share) {
    const auto share = share_of(*arguments.retry_share);
    if (!share)
      return share.why();
    load.retry_share = *share;
  }
  const auto size = parse_size(arguments.record_size);
  if (!size)
    return wrong("--record-size " + arguments.record_size, "must be " + std::string{size_rule});
  load.record_bytes = *size;
  if (!arguments.summary.empty()) {
    if (auto taken = take_from_summary(arguments, load); !taken)
      return std::move(taken).why();
  } else if (!arguments.latency) {
    return wrong("--latency", "must be given, or --summary, which has it");
  }
  if (!arguments.slowest && arguments.summary.empty())
    load.slowest = load.latency;
  return load;
}

int plan_command(const plan_arguments& arguments) {
  command_output output;
  const auto load = load_of(arguments);
  if (!load) {
    output.say(load.why().thing() + ": " + load.why().message());
    return exit_code::bad_usage;
  }
  const auto sized = size_for(*load);
  if (!sized) {
    output.say(sized.why().thing() + ": " + sized.why().message());
    return exit_code::bad_usage;
  }
  const auto text = arguments.json ? sizing_json(*sized) : sizing_text(*load, *sized);
  return output.print(output.standard_output(), text, "the plan") ? exit_code::done : exit_code::not_written;
}

} // namespace weir::tool
