// SPDX-License-Identifier: Apache-2.0
#include "summary.hpp"

#include "duration_text.hpp"
#include "job_builder.hpp"
#include "job_outputs.hpp"
#include "lookup_function.hpp"
#include "option_words.hpp"
#include "quantile_text.hpp"

#include "weir/dead_letter_part_sink.hpp"
#include "weir/json_writer.hpp"
#include "weir/output_folder.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <utility>

namespace weir::tool {

namespace {

std::string_view name_of(job_end end) {
  switch (end) {
    case job_end::done:
      return "done";
    case job_end::failed:
      return "failed";
    case job_end::drained:
      return "drained";
    case job_end::cancelled:
      return "cancelled";
    case job_end::stopped:
      return "stopped";
  }
  return "";
}

/// Those counts of a lookup that are shown, under their names.
constexpr std::array<std::pair<std::string_view, std::uint64_t lookup_summary::*>, 7> shown_counts{
  {{"calls", &lookup_summary::calls},
   {"misses", &lookup_summary::misses},
   {"retries", &lookup_summary::retries},
   {"timeouts", &lookup_summary::timeouts},
   {"dropped", &lookup_summary::dropped},
   {"dead_letters", &lookup_summary::dead_letters},
   {"skipped", &lookup_summary::skipped}}};

output_place empty_place(const job_file& job) {
  return {job.sink.is_standard_output() ? "standard output" : job.sink.path, {}, false};
}

/// With checkpoints those of earlier runs have gone when a run begins.
std::vector<std::string> visible_parts(const std::string& folder) {
  std::vector<std::string> parts;
  std::error_code none_there;
  for (const auto& each : std::filesystem::directory_iterator{folder, none_there}) {
    const auto name = each.path().filename().string();
    if (!name.starts_with('.') && is_part_file_name(name))
      parts.push_back(each.path().string());
  }
  std::sort(parts.begin(), parts.end());
  return parts;
}

std::vector<std::string> dead_letter_files_of(const job_file& job) {
  auto paths = paths_of_dead_letters(job);
  if (!job.checkpoints)
    return paths;
  std::vector<std::string> visible;
  for (const auto& path : paths)
    if (const auto found = dead_letter_files(path))
      std::copy_if(found->begin(), found->end(), std::back_inserter(visible),
                   [](const std::string& each) {
                     return !std::filesystem::path{each}.filename().string().starts_with('.');
                   });
  return visible;
}

output_place place_of(const job_file& job, const job_status& status, const job_result& result) {
  auto place = empty_place(job);
  if (job.sink.is_standard_output())
    return place;
  if (job.checkpoints) {
    place.parts = visible_parts(job.sink.path);
    return place;
  }
  const std::filesystem::path folder{job.sink.path};
  for (std::uint32_t i = 0; i < job.sink.parallelism; ++i) {
    const auto part = folder / part_file_name(1, i);
    std::error_code ignored;
    if (std::filesystem::exists(part, ignored))
      place.parts.push_back(part.string());
  }
  const bool wrote = std::any_of(status.sinks.begin(), status.sinks.end(), [](const auto& sink) {
    return sink.name == sink_stage_name && sink.records_in > 0;
  });
  place.removed = place.parts.empty() && wrote
                  && (result.end == job_end::failed || result.end == job_end::cancelled);
  return place;
}

/// A record where it was read, as a source names it: `in.ndjson:17 (offset 1234)`.
std::string place_of(const std::string& source, std::string_view record) {
  constexpr std::string_view before_number = "line ";
  return record.starts_with(before_number)
           ? source + ":" + std::string{record.substr(before_number.size())}
           : source + ", " + std::string{record};
}

/// A table's cell, to the right.
std::string cell(std::string_view text, std::size_t width) {
  return std::string(width > text.size() ? width - text.size() : 0, ' ') + std::string{text};
}

std::string table_of(const run_summary& of) {
  constexpr std::size_t width = 13;
  std::size_t names = 6;
  for (const auto& each : of.lookups)
    names = std::max(names, each.name.size());
  const auto named = [&](const std::string& name) {
    return "  " + name + std::string(names - name.size(), ' ');
  };
  auto table = named("lookup");
  for (const auto& [name, count] : shown_counts) {
    std::string spaced{name};
    std::replace(spaced.begin(), spaced.end(), '_', ' ');
    table += cell(spaced, width);
  }
  table += cell("p50", width) + cell("p99", width) + "\n";
  const auto add = [&](const std::string& name, const lookup_summary& row) {
    table += named(name);
    for (const auto& [ignored, count] : shown_counts)
      table += cell(grouped_text(row.*count), width);
    table += cell(quantile_text(row.call_duration, 0.5), width)
             + cell(quantile_text(row.call_duration, 0.99), width) + "\n";
  };
  for (const auto& each : of.lookups)
    add(each.name, each);
  if (of.lookups.size() > 1)
    add("all", of.all);
  return table;
}

std::string output_text(const run_summary& of) {
  const auto& place = of.output;
  if (place.removed)
    return place.path + ": removed, since the job did not come to its end (--keep-partial keeps "
                        "whole lines)";
  auto text = place.path;
  if (!place.parts.empty()) {
    text += " (" + counted_text(place.parts.size(), "part file");
    text += of.end == job_end::done ? ")" : ", not of the whole input)";
  } else if (of.checkpoints && of.end != job_end::done && place.path != "standard output") {
    text += ": nothing is visible yet";
  } else if (of.end != job_end::done && place.path != "standard output") {
    text += ": nothing was written";
  }
  return text;
}

// -- JSON --

void append_member_name(std::string& out, std::string_view name) {
  if (!out.ends_with('{'))
    out += ',';
  append_json_string(out, name);
  out += ':';
}

void append_count(std::string& out, std::string_view name, std::uint64_t number) {
  append_member_name(out, name);
  out += std::to_string(number);
}

void append_number(std::string& out, std::string_view name, double number) {
  append_member_name(out, name);
  append_json_number(out, number);
}

void append_text(std::string& out, std::string_view name, std::string_view text) {
  append_member_name(out, name);
  append_json_string(out, text);
}

void append_texts(std::string& out, std::string_view name, const std::vector<std::string>& texts) {
  append_member_name(out, name);
  out += '[';
  for (const auto& each : texts) {
    if (!out.ends_with('['))
      out += ',';
    append_json_string(out, each);
  }
  out += ']';
}

void append_calls(std::string& out, const lookup_summary& of) {
  for (const auto& [name, count] : shown_counts)
    append_count(out, name, of.*count);
  const auto append_ms = [&](std::string_view name, duration time) {
    append_member_name(out, name);
    if (of.call_duration.count() == 0)
      out += "null";
    else
      append_json_number(out, static_cast<double>(time.count()) / 1e6);
  };
  append_ms("call_mean_ms", of.call_duration.mean());
  append_ms("call_p50_ms", of.call_duration.quantile(0.5));
  append_ms("call_p99_ms", of.call_duration.quantile(0.99));
  append_ms("call_max_ms", of.call_duration.quantile(1));
}

void append_lookups(std::string& out, const run_summary& of) {
  append_member_name(out, "lookups");
  out += '[';
  for (const auto& each : of.lookups) {
    if (!out.ends_with('['))
      out += ',';
    out += '{';
    append_text(out, "name", each.name);
    append_count(out, "records_in", each.records_in);
    append_count(out, "records_out", each.records_out);
    append_calls(out, each);
    out += '}';
  }
  out += ']';
}

std::uint64_t own_count(const operator_status& of, std::string_view name) {
  const auto found = of.own_counters.find(std::string{name});
  return found == of.own_counters.end() ? 0 : found->second;
}

void append_checkpoints(std::string& out, const run_summary& of) {
  append_member_name(out, "checkpoints");
  if (!of.checkpoints) {
    out += "null";
    return;
  }
  const auto& all = *of.checkpoints;
  const auto append_if = [&](std::string_view name, const std::optional<std::uint64_t>& number) {
    append_member_name(out, name);
    out += number ? std::to_string(*number) : "null";
  };
  out += '{';
  append_count(out, "run", all.run);
  append_if("restored_from", all.restored_from);
  append_count(out, "completed", all.completed);
  append_count(out, "failed", all.failed);
  append_if("newest", all.newest);
  append_count(out, "held", all.held);
  out += '}';
}

std::string checkpoints_text(const checkpoints_summary& of) {
  return grouped_text(of.completed) + " completed, " + grouped_text(of.failed) + " failed"
         + (of.newest ? "; the newest is " + std::to_string(*of.newest) : "");
}

/// "a", "a and 3 more files".
std::string first_and_count(const std::vector<std::string>& files) {
  return files.front()
         + (files.size() > 1 ? " and " + grouped_text(files.size() - 1) + " more part"
                                 + (files.size() > 2 ? "s" : "")
                             : "");
}

/// Records that were read.
std::uint64_t read_in(const job_status& status) {
  std::uint64_t sum = 0;
  for (const auto& each : status.sources)
    sum += each.records_out + each.skipped + each.dead_letters;
  return sum;
}

/// Records that came out.
std::uint64_t records_out_in(const job_status& status) {
  std::uint64_t sum = 0;
  for (const auto& sink : status.sinks)
    if (sink.name == sink_stage_name)
      sum += sink.records_in;
  return sum;
}

double seconds_of(duration d) {
  return static_cast<double>(d.count()) / 1e9;
}

} // namespace

lookup_summary& lookup_summary::operator+=(const lookup_summary& other) {
  for (const auto& [title, count] : shown_counts)
    this->*count += other.*count;
  records_in += other.records_in;
  records_out += other.records_out;
  call_duration += other.call_duration;
  return *this;
}

double run_summary::records_per_second() const {
  const auto came_out = records_out - std::min(records_out, records_out_before);
  return took > duration{0} ? static_cast<double>(came_out) / seconds_of(took) : 0;
}

std::vector<std::string> reasons(const job_file& job, const job_result& result) {
  std::vector<std::string> lines;
  for (const auto& each : result.why) {
    auto line = text_of(each);
    if (!result.record.empty() && each.thing().find(result.record) == std::string::npos)
      line = place_of(source_name(job), result.record) + ": " + line;
    lines.push_back(std::move(line));
  }
  return lines;
}

run_summary summarize(const job_file& job, const job_status& status, const job_result& result,
                      const job_start& how) {
  run_summary sum;
  sum.was_finished = how.kind == start_kind::finished;
  sum.records_out_before = records_out_in(how.before);
  sum.restarts = result.restarts;
  if (job.checkpoints) {
    auto& all = sum.checkpoints.emplace();
    all.run = how.run_number;
    if (how.kind == start_kind::restored)
      all.restored_from = how.checkpoint;
    all.newest = result.checkpoint;
    all.held = result.held;
    if (status.checkpoints) {
      all.completed = status.checkpoints->completed;
      all.failed = status.checkpoints->failed();
    }
  }
  sum.job = job.name;
  sum.end = result.end;
  sum.took = result.took;
  sum.left_behind = result.left_behind;
  sum.records_in = read_in(status);
  for (const auto& source : status.sources) {
    sum.skipped += source.skipped;
    sum.dead_letters += source.dead_letters;
    sum.read_bytes += source.read;
    sum.total_bytes = source.total;
  }
  sum.records_out = records_out_in(status);
  const bool skips = job.source.options.on_bad_record == bad_record_action::skip;
  for (const auto& section : job.lookups) {
    lookup_summary lookup;
    lookup.name = section.name;
    for (const auto& each : status.operators) {
      if (each.name != lookup.name)
        continue;
      lookup.records_in = each.records_in;
      lookup.records_out = each.records_out;
      lookup.calls = own_count(each, questions_counter);
      lookup.misses = own_count(each, misses_counter);
      lookup.retries = each.retries;
      lookup.timeouts = each.timeouts;
      // The operator knows of bad records only that they were dropped.
      const auto bad = own_count(each, bad_records_counter);
      lookup.skipped = skips ? std::min(bad, each.dropped) : 0;
      lookup.dropped = each.dropped - lookup.skipped;
      lookup.dead_letters = each.dead_letters;
      lookup.call_duration = each.call_duration;
    }
    sum.skipped += lookup.skipped;
    sum.dead_letters += lookup.dead_letters;
    sum.all += lookup;
    sum.lookups.push_back(std::move(lookup));
  }
  sum.let_go = status.gone.let_go;
  sum.all.dropped += status.gone.dropped;
  sum.all.dead_letters += status.gone.dead_letters;
  sum.dead_letters += status.gone.dead_letters;
  sum.dead_letter_files = dead_letter_files_of(job);
  // What was under way when the job broke off has left no other trace.
  const bool broke_off = result.end == job_end::failed || result.end == job_end::cancelled;
  if (broke_off || (job.checkpoints && result.end != job_end::done)) {
    const auto accounted
      = sum.records_out + sum.skipped + sum.all.dropped + sum.dead_letters + sum.let_go;
    sum.left_behind = sum.records_in - std::min(sum.records_in, accounted);
  }
  sum.output = place_of(job, status, result);
  sum.why = reasons(job, result);
  return sum;
}

run_summary summarize_not_started(const job_file& job, std::vector<std::string> why) {
  run_summary sum;
  sum.job = job.name;
  sum.end = job_end::failed;
  for (const auto& each : job.lookups)
    sum.lookups.emplace_back().name = each.name;
  sum.output = empty_place(job);
  sum.why = std::move(why);
  return sum;
}

std::string summary_text(const run_summary& of) {
  std::string text = "job " + of.job + ": " + std::string{name_of(of.end)} + " after "
                     + rounded_text(of.took) + "\n";
  const auto line = [&](std::string_view name, const std::string& what) {
    text += "  " + std::string{name} + std::string(16 - name.size(), ' ') + what + "\n";
  };
  line("records in", grouped_text(of.records_in));
  line("records out", grouped_text(of.records_out));
  line("records/s", grouped_text(static_cast<std::uint64_t>(std::llround(of.records_per_second()))));
  line("skipped", grouped_text(of.skipped));
  line("dropped", grouped_text(of.all.dropped));
  line("dead letters", grouped_text(of.dead_letters));
  if (of.let_go > 0)
    line("let go", grouped_text(of.let_go));
  if (of.end != job_end::done)
    line("left behind", grouped_text(of.left_behind));
  if (of.checkpoints)
    line("checkpoints", checkpoints_text(*of.checkpoints));
  if (of.checkpoints && of.checkpoints->newest && of.end != job_end::done)
    line("held", grouped_text(of.checkpoints->held));
  if (of.restarts > 0)
    line("restarts", grouped_text(of.restarts));
  if (of.end == job_end::drained) {
    auto read = grouped_text(of.read_bytes);
    if (of.total_bytes && *of.total_bytes > 0)
      read += " of " + grouped_text(*of.total_bytes);
    line("read", read + " bytes of the input; the rest was not read");
  }
  if (!of.lookups.empty())
    text += table_of(of);
  if (of.checkpoints && !of.dead_letter_files.empty())
    line("dead letters in", first_and_count(of.dead_letter_files));
  else
    for (const auto& each : of.dead_letter_files)
      line("dead letters in", each);
  line("output", output_text(of));
  return text;
}

std::string summary_json(const run_summary& of) {
  std::string out = "{";
  append_text(out, "job", of.job);
  append_text(out, "end", of.was_finished ? "finished" : name_of(of.end));
  append_number(out, "seconds", seconds_of(of.took));
  append_count(out, "records_in", of.records_in);
  append_count(out, "records_out", of.records_out);
  append_number(out, "records_per_second", of.records_per_second());
  append_count(out, "let_go", of.let_go);
  append_count(out, "left_behind", of.left_behind);
  append_count(out, "read_bytes", of.read_bytes);
  append_member_name(out, "total_bytes");
  out += of.total_bytes ? std::to_string(*of.total_bytes) : "null";
  auto whole = of.all;
  whole.skipped = of.skipped;
  whole.dead_letters = of.dead_letters;
  append_calls(out, whole);
  append_lookups(out, of);
  append_text(out, "output", of.output.path);
  append_texts(out, "parts", of.output.parts);
  append_member_name(out, "output_removed");
  out += of.output.removed ? "true" : "false";
  append_texts(out, "dead_letter_files", of.dead_letter_files);
  append_checkpoints(out, of);
  append_count(out, "restarts", of.restarts);
  append_texts(out, "why", of.why);
  return out + "}\n";
}

} // namespace weir::tool
