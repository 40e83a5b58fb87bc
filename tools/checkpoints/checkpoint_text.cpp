// SPDX-License-Identifier: Apache-2.0
#include "checkpoint_text.hpp"

#include "duration_text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>
#include <utility>

namespace weir::tool {

namespace {

using json = nlohmann::ordered_json;

std::string_view name_of(stage_role role) {
  switch (role) {
    case stage_role::source:
      return "source";
    case stage_role::async_operator:
      return "operator";
    case stage_role::service:
      return "service";
    case stage_role::sink:
      return "sink";
  }
  return "";
}

/// Those counts that are shown, under their names.
constexpr std::array<std::pair<std::string_view, std::uint64_t entry_counts::*>, 6> shown_entries{
  {{"running", &entry_counts::running},
   {"waits_for_call", &entry_counts::waits_for_call},
   {"backs_off", &entry_counts::backs_off},
   {"finished", &entry_counts::finished},
   {"borders", &entry_counts::borders},
   {"waiting_input", &entry_counts::waiting_input}}};

entry_counts sum_of(const manifest& of, std::size_t stage) {
  entry_counts sum;
  for (const auto& each : of.instances)
    if (each.stage == stage)
      for (const auto& [name, count] : shown_entries)
        sum.*count += each.summary.entries.*count;
  return sum;
}

std::uint64_t held_by(const manifest& of) {
  std::uint64_t records = 0;
  for (const auto& each : of.instances)
    records += each.summary.entries.records();
  return records;
}

std::string spaced(std::string_view name) {
  std::string text{name};
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

/// What a source or a sink says of itself, which a terminal must not take for orders.
std::string printable(std::string text) {
  std::replace_if(
    text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }, ' ');
  return text;
}

std::string utc_text(std::int64_t ms) {
  const std::time_t seconds = ms / 1000;
  std::tm parts{};
  char text[64];
  if (::gmtime_r(&seconds, &parts) == nullptr
      || std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
    return std::to_string(ms) + " ms";
  return text;
}

/// How long ago, in one unit.
std::string age_text(std::int64_t ms) {
  constexpr std::pair<std::int64_t, std::string_view> units[]
    = {{86'400'000, "day"}, {3'600'000, "hour"}, {60'000, "minute"}, {1'000, "second"}};
  for (const auto& [unit, name] : units)
    if (ms >= 2 * unit)
      return counted_text(static_cast<std::uint64_t>(ms / unit), name);
  return rounded_text(std::chrono::milliseconds{std::max<std::int64_t>(ms, 0)});
}

/// Columns of text, numbers to the right.
class text_table {
public:
  explicit text_table(std::vector<std::string> titles) { add(std::move(titles)); }

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }

  /// `left`: so many columns are of words, to the left.
  std::string text(std::size_t left) const {
    std::vector<std::size_t> widths(rows_.front().size());
    for (const auto& row : rows_)
      for (std::size_t i = 0; i < row.size(); ++i)
        widths[i] = std::max(widths[i], row[i].size());
    std::string all;
    for (const auto& row : rows_) {
      std::string line;
      for (std::size_t i = 0; i < row.size(); ++i) {
        const std::string pad(widths[i] - row[i].size(), ' ');
        line += (i == 0 ? "" : "  ") + (i < left ? row[i] + pad : pad + row[i]);
      }
      line.erase(line.find_last_not_of(' ') + 1);
      all += line + "\n";
    }
    return all;
  }

private:
  std::vector<std::vector<std::string>> rows_;
};

std::string indented(const std::string& lines) {
  std::string text;
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = lines.find('\n', at) + 1;
    text += "  " + lines.substr(at, end - at);
    at = end;
  }
  return text;
}

std::string_view meaning_of(checkpoint_kind kind) {
  switch (kind) {
    case checkpoint_kind::begun:
      return "before the first record";
    case checkpoint_kind::running:
      return "while the job ran";
    case checkpoint_kind::stopped:
      return "the last before a stop";
    case checkpoint_kind::drained:
      return "the last of a drained job";
    case checkpoint_kind::finished:
      return "the job is done; there is nothing to go on with";
  }
  return "";
}

std::string entries_text(const manifest& of) {
  std::vector<std::string> titles{"stage", "role", "instances"};
  for (const auto& [name, count] : shown_entries)
    titles.push_back(spaced(name));
  text_table table{std::move(titles)};
  for (std::size_t stage = 0; stage < of.stages.size(); ++stage) {
    const auto& what = of.stages[stage];
    std::vector<std::string> row{printable(what.name), std::string{name_of(what.role)},
                                 std::to_string(what.parallelism)};
    const auto sum = sum_of(of, stage);
    for (const auto& [name, count] : shown_entries)
      row.push_back(grouped_text(sum.*count));
    table.add(std::move(row));
  }
  return table.text(2);
}

std::string counters_text(const instance_summary& of) {
  std::string text;
  for (const auto* counters : {&of.counters, &of.own_counters})
    for (const auto& each : *counters)
      if (each.count != 0)
        text += (text.empty() ? "" : ", ") + printable(each.name) + " " + grouped_text(each.count);
  return text;
}

/// docs/formats.md: the first instance of a service speaks for all that is pushed.
std::string name_of_split(stage_role role, std::uint32_t split) {
  if (role == stage_role::service && split <= 1)
    return split == 0 ? "next record without a position" : "resume from position";
  return "split " + std::to_string(split);
}

/// What an instance says of itself, a line each.
std::string instance_text(const instance_summary& of, stage_role role) {
  std::string text;
  for (const auto& each : of.positions)
    text += "  " + name_of_split(role, each.split) + ": " + printable(each.position) + "\n";
  if (of.times && of.times->watermark.has_value())
    text += "  watermark " + std::to_string(of.times->watermark.ms())
            + (of.times->idle ? ", idle\n" : "\n");
  if (!of.pending_output.empty())
    text += "  pending: " + printable(of.pending_output) + "\n";
  if (const auto counters = counters_text(of); !counters.empty())
    text += "  " + counters + "\n";
  return text;
}

json counters_json(const std::vector<named_count>& of) {
  json all = json::object();
  for (const auto& each : of)
    all[each.name] = each.count;
  return all;
}

json instance_json(const manifest_instance& of) {
  const auto& what = of.summary;
  json entries;
  for (const auto& [name, count] : shown_entries)
    entries[std::string{name}] = what.entries.*count;
  json all{{"instance", of.instance}, {"entries", std::move(entries)}};
  for (const auto& each : what.positions)
    all["positions"].push_back({{"split", each.split}, {"position", each.position}});
  if (what.times) {
    const auto& mark = what.times->watermark;
    all["watermark"] = mark.has_value() ? json(mark.ms()) : json{};
    all["idle"] = what.times->idle;
  }
  if (!what.pending_output.empty())
    all["pending_output"] = what.pending_output;
  all["counters"] = counters_json(what.counters);
  if (!what.own_counters.empty())
    all["own_counters"] = counters_json(what.own_counters);
  return all;
}

json stage_json(const manifest& of, std::size_t stage) {
  const auto& what = of.stages[stage];
  json all{{"name", what.name}, {"role", name_of(what.role)}, {"parallelism", what.parallelism}};
  for (const auto& each : what.records)
    all["records"].push_back({{"type", each.name}, {"version", each.version}});
  if (what.key_groups > 0)
    all["key_groups"] = what.key_groups;
  if (!what.place.empty())
    all["place"] = what.place;
  all["instances"] = json::array();
  for (const auto& each : of.instances)
    if (each.stage == stage)
      all["instances"].push_back(instance_json(each));
  return all;
}

} // namespace

std::string name_of(checkpoint_kind kind) {
  switch (kind) {
    case checkpoint_kind::begun:
      return "begun";
    case checkpoint_kind::running:
      return "running";
    case checkpoint_kind::stopped:
      return "stopped";
    case checkpoint_kind::drained:
      return "drained";
    case checkpoint_kind::finished:
      return "finished";
  }
  return "";
}

std::string list_text(const std::vector<listed_checkpoint>& all, std::int64_t now_ms) {
  text_table table{{"job", "kind", "run", "checkpoint", "made", "age", "bytes", "records held"}};
  for (const auto& each : all) {
    const auto& about = each.about;
    table.add({printable(about.job), name_of(about.kind), std::to_string(about.run_number),
               std::to_string(about.checkpoint), utc_text(about.made_at_ms),
               age_text(now_ms - about.made_at_ms), grouped_text(each.bytes),
               grouped_text(held_by(about))});
  }
  return table.text(2);
}

std::string show_text(const listed_checkpoint& of, std::int64_t now_ms) {
  const auto& about = of.about;
  std::string text = "checkpoint " + std::to_string(about.checkpoint) + " of job "
                     + printable(about.job) + ", run " + std::to_string(about.run_number) + "\n";
  const auto line = [&](std::string_view name, const std::string& what) {
    text += "  " + std::string{name} + std::string(10 - name.size(), ' ') + what + "\n";
  };
  line("kind", name_of(about.kind) + ": " + std::string{meaning_of(about.kind)});
  line("made", utc_text(about.made_at_ms) + ", " + age_text(now_ms - about.made_at_ms) + " ago, in "
                 + rounded_text(about.took));
  line("run id", about.run.text());
  line("by", "weir " + printable(about.weir_version));
  line("state", counted_text(of.bytes, "byte") + " in " + counted_text(about.files.size(), "file"));
  line("held", counted_text(held_by(about), "record"));
  text += "\n" + indented(entries_text(about));
  for (const auto& each : about.instances) {
    const auto& stage = about.stages[each.stage];
    const auto said = instance_text(each.summary, stage.role);
    if (said.empty())
      continue;
    text += "\n  " + printable(stage.name) + ", instance " + std::to_string(each.instance)
            + (stage.place.empty() ? "" : " (" + printable(stage.place) + ")") + "\n"
            + indented(said);
  }
  return text;
}

std::string show_json(const listed_checkpoint& of) {
  const auto& about = of.about;
  json all{{"job", about.job},
           {"run", about.run_number},
           {"run_id", about.run.text()},
           {"checkpoint", about.checkpoint},
           {"kind", name_of(about.kind)},
           {"made", utc_text(about.made_at_ms)},
           {"took_ms", static_cast<double>(about.took.count()) / 1e6},
           {"weir", about.weir_version},
           {"bytes", of.bytes},
           {"records_held", held_by(about)}};
  all["stages"] = json::array();
  for (std::size_t stage = 0; stage < about.stages.size(); ++stage)
    all["stages"].push_back(stage_json(about, stage));
  all["edges"] = json::array();
  for (const auto& each : about.edges)
    all["edges"].push_back(
      {{"from", about.stages[each.from].name},
       {"output", each.output == manifest_output::results ? "results" : "dead_letters"},
       {"to", about.stages[each.to].name}});
  all["files"] = json::array();
  for (const auto& each : about.files)
    all["files"].push_back({{"name", each.name}, {"bytes", each.sums.size}});
  // A source's own text need not be UTF-8.
  return all.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
}

} // namespace weir::tool
