// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "airports.hpp"
#include "scratch_folder.hpp"
#include "started_program.hpp"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <unordered_map>
#include <vector>

namespace bench {

namespace {

using nlohmann::json;

const std::string example = WEIR_BENCH_FLIGHTS;

constexpr std::uint64_t lookups_each = 2;

// -- what goes in --

/// The lines of the example's flights, again from the first one on behind the last.
class flight_lines {
public:
  const std::string& next() {
    if (!std::getline(file_, line_)) {
      file_.clear();
      file_.seekg(0);
      if (!std::getline(file_, line_))
        give_up(example + " has no flights");
    }
    return line_;
  }

private:
  std::ifstream file_{example + "/flights.ndjson"};
  std::string line_;
};

void make_flights(const std::string& path, std::uint64_t records) {
  flight_lines lines;
  std::ofstream file{path};
  for (std::uint64_t i = 0; i < records; ++i)
    file << lines.next() << '\n';
  if (!file.flush())
    give_up("the flights cannot be written");
}

std::vector<airport> airports() {
  auto all = read_airports(example + "/airports.csv");
  if (all.empty())
    give_up(example + " has no airports");
  return all;
}

/// As the example's make_store.sql has it.
void make_store(const std::string& path) {
  sqlite3* made = nullptr;
  sqlite3_stmt* insert = nullptr;
  bool ok = sqlite3_open(path.c_str(), &made) == SQLITE_OK
            && sqlite3_exec(made,
                            "create table airports (iata text primary key not null, name text, city text, state text,"
                            " country text, latitude real, longitude real) without rowid; begin",
                            nullptr, nullptr, nullptr)
                 == SQLITE_OK
            && sqlite3_prepare_v2(made, "insert into airports values (?, ?, ?, ?, ?, ?, ?)", -1, &insert, nullptr)
                 == SQLITE_OK;
  for (const auto& each : airports()) {
    int place = 0;
    for (const auto* text : {&each.iata, &each.name, &each.city, &each.state, &each.country})
      sqlite3_bind_text(insert, ++place, text->c_str(), -1, SQLITE_STATIC);
    sqlite3_bind_double(insert, ++place, each.latitude);
    sqlite3_bind_double(insert, ++place, each.longitude);
    ok = ok && sqlite3_step(insert) == SQLITE_DONE && sqlite3_reset(insert) == SQLITE_OK;
  }
  sqlite3_finalize(insert);
  ok = ok && sqlite3_exec(made, "commit", nullptr, nullptr, nullptr) == SQLITE_OK;
  sqlite3_close(made);
  if (!ok)
    give_up("the store cannot be made");
}

/// The example's job, whose paths are beside it; its last section are the checkpoints.
void make_job(const std::string& path, bool checkpointed) {
  std::ostringstream job;
  job << std::ifstream{example + "/job.toml"}.rdbuf();
  const auto text = job.str();
  const auto checkpoints = text.find("[checkpoints]");
  if (checkpoints == text.npos)
    give_up(example + " has no job with checkpoints");
  std::ofstream{path} << text.substr(0, checkpointed ? text.npos : checkpoints);
}

// -- what has come out --

std::unordered_map<std::string, json> known_airports() {
  std::unordered_map<std::string, json> known;
  for (const auto& each : airports())
    known[each.iata] = {{"name", each.name},
                        {"city", each.city},
                        {"state", each.state},
                        {"latitude", each.latitude},
                        {"longitude", each.longitude}};
  return known;
}

/// What must come out for flights in their order. Those that come again must come out as they did the first time, to
/// the byte; the first time they are read as JSON, by another reader than weir's.
class flight_checker {
public:
  void look_at(const std::string& out) {
    const auto& in = lines_.next();
    const auto hash = std::hash<std::string>{}(out);
    if (const auto [seen, is_new] = seen_.try_emplace(in, hash); !is_new) {
      if (hash != seen->second)
        give_up("wrong result: another line for the same flight: " + out);
      return;
    }
    auto flight = json::parse(in);
    for (const std::string field : {"origin", "destination"})
      flight[field + "_airport"] = known_.at(flight[field]);
    if (json::parse(out, nullptr, false) != flight)
      give_up("wrong result: " + out + " for " + in);
  }

private:
  const std::unordered_map<std::string, json> known_ = known_airports();
  flight_lines lines_;
  std::unordered_map<std::string, std::size_t> seen_;
};

void check(const std::string& folder, std::uint64_t records) {
  std::vector<std::filesystem::path> parts;
  for (const auto& each : std::filesystem::directory_iterator{folder})
    if (each.path().filename().string().starts_with("part-"))
      parts.push_back(each.path());
  std::sort(parts.begin(), parts.end());
  flight_checker checker;
  std::uint64_t lines = 0;
  for (const auto& part : parts) {
    std::ifstream file{part};
    for (std::string line; std::getline(file, line); ++lines)
      checker.look_at(line);
  }
  if (lines != records)
    give_up("wrong result: " + std::to_string(lines) + " lines for " + std::to_string(records) + " flights");
}

// -- the runs --

outcome told(const started_program& of, std::uint64_t records) {
  return {std::chrono::duration<double>{of.seconds},
          {{"lookups_per_s", static_cast<double>(lookups_each * records) / of.seconds}},
          of.cpu_seconds,
          of.peak_rss_mib};
}

outcome run_map(std::uint64_t records, bool checkpointed) {
  const scratch_folder place;
  make_flights(place.in("flights.ndjson"), records);
  std::vector<std::string> words{WEIR_BENCH_FLIGHTS_MAP, example + "/airports.csv", place.in("flights.ndjson"),
                                 place.in("out")};
  if (checkpointed)
    words.push_back(place.in("checkpoints"));
  const auto ended = start(std::move(words));
  check(place.in("out"), records);
  return told(ended, records);
}

outcome run_command(std::uint64_t records, bool checkpointed) {
  const scratch_folder place;
  make_flights(place.in("flights.ndjson"), records);
  make_store(place.in("airports.db"));
  make_job(place.in("job.toml"), checkpointed);
  const auto ended = start({WEIR_BENCH_COMMAND, "run", "--quiet", place.in("job.toml")});
  check(place.in("out"), records);
  return told(ended, records);
}

} // namespace

std::vector<measurement> flights() {
  std::vector<measurement> all;
  for (const bool checkpointed : {false, true})
    for (const auto& [mode, run] : {std::pair{"map", &run_map}, std::pair{"weir run with SQLite", &run_command}})
      all.push_back({.mode = mode,
                     .capacity = 100,
                     .records = 1'000'000,
                     .quick_records = 100'000,
                     .run = [run = run, checkpointed](std::uint64_t records) { return run(records, checkpointed); },
                     .with = {{"checkpoint_each_ms", checkpointed ? 1'000 : 0}},
                     .warms_up = false});
  return all;
}

} // namespace bench
