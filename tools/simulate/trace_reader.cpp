// SPDX-License-Identifier: Apache-2.0
#include "json_section.hpp"
#include "load_file.hpp"
#include "scenario_limits.hpp"
#include "scenario_reader.hpp"

namespace weir::tool {

namespace {

using namespace simulation;
using namespace scenario_limits;

std::int64_t number(json_section& of, std::string_view name, std::int64_t min, std::int64_t max) {
  return of.required_integer(name, min, max).value_or(min);
}

dead_letter_leaves read_dead_letter(json_section& of) {
  return {number(of, "dead_letter", value_min, value_max), of.required_text("error"),
          static_cast<std::uint32_t>(number(of, "attempts", 0, retries_max + 1))};
}

status_leaves read_status(json_section& of) {
  constexpr std::pair<std::string_view, bool> statuses[] = {{"idle", true}, {"active", false}};
  return {of.choice("status", statuses).value_or(false)};
}

trace_output read_output(json_section of) {
  trace_output what;
  what.at = number(of, "at", 0, trace_time_max);
  constexpr std::string_view kinds[]
    = {"value", "watermark", "status", "barrier", "dead_letter"};
  const auto kind = of.one_of(kinds);
  if (kind == "value")
    what.what = value_leaves{number(of, "value", INT64_MIN, INT64_MAX),
                             of.integer("ts", value_min, value_max)};
  else if (kind == "watermark")
    what.what = watermark_leaves{number(of, "watermark", value_min, value_max)};
  else if (kind == "status")
    what.what = read_status(of);
  else if (kind == "barrier")
    what.what = barrier_leaves{number(of, "barrier", value_min, value_max)};
  else if (kind == "dead_letter")
    what.what = read_dead_letter(of);
  else
    // They belong to what it is, or to what it would be.
    for (const auto* name : {"ts", "error", "attempts"})
      of.find(name);
  of.finish();
  return what;
}

trace_call read_call(json_section of) {
  trace_call what;
  what.at = number(of, "at", 0, trace_time_max);
  what.record = number(of, "record", value_min, value_max);
  what.attempt = static_cast<std::uint32_t>(number(of, "attempt", 1, retries_max + 1));
  of.finish();
  return what;
}

trace_failure read_failure(json_section of) {
  trace_failure what;
  what.at = number(of, "at", 0, trace_time_max);
  what.error = of.required_text("error");
  what.record = number(of, "record", value_min, value_max);
  of.finish();
  return what;
}

template <class Item>
std::vector<Item> read_list(json_section& of, std::string_view name, Item (*read)(json_section)) {
  std::vector<Item> all;
  const auto* list = of.array(name);
  for (std::size_t i = 0; list != nullptr && i < list->items.size(); ++i) {
    const auto& item = list->items[i];
    const auto key = key_of_item(std::string{name}, i);
    if (item.kind != json_kind::object)
      of.mistakes().add(item, key, "must be an object");
    else
      all.push_back(read({item, key, of.mistakes()}));
  }
  return all;
}

trace read_trace(const json_node& object, mistake_list& mistakes) {
  json_section top{object, "", mistakes};
  trace what;
  what.name = top.required_text("name");
  constexpr std::pair<std::string_view, bool> compared[] = {{"output", true}};
  what.compare_output_alone = top.choice("compare", compared).value_or(false);
  for (const auto* name : {"output", "calls"})
    if (top.find(name) == nullptr
        && !(what.compare_output_alone && name == std::string_view{"calls"}))
      top.missing(name);
  what.output = read_list(top, "output", read_output);
  what.calls = read_list(top, "calls", read_call);
  const auto* failed = top.find("failed");
  if (failed != nullptr && failed->kind != json_kind::null) {
    if (failed->kind == json_kind::object)
      what.failed = read_failure({*failed, "failed", mistakes});
    else
      top.wrong("failed", "must be null or an object");
  }
  top.finish();
  return what;
}

} // namespace

read_file<trace> parse_traces(std::string_view content, const std::string& path) {
  return parse_objects<trace>(content, path, "trace", read_trace);
}

read_file<trace> load_traces(const std::string& path) {
  read_file<trace> read;
  load_objects<trace>(path, "trace", read_trace, read);
  return read;
}

} // namespace weir::tool
