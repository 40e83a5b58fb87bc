// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "scratch_folder.hpp"
#include "started_program.hpp"

#include <sqlite3.h>

#include <fstream>
#include <string>

namespace bench {

namespace {

outcome told(double first_output_ms, double program_peak_mib) {
  return {std::chrono::duration<double>{first_output_ms / 1000},
          {{"first_output_ms", first_output_ms}, {"program_peak_mib", program_peak_mib}}};
}

outcome run_library(std::uint64_t) {
  const auto of = start({WEIR_BENCH_FIRST_OUTPUT});
  if (!of.output.starts_with("+"))
    give_up("wrong result");
  return told(of.first_output_ms, std::stod(of.output.substr(1)));
}

void make_store(const std::string& path) {
  sqlite3* made = nullptr;
  if (sqlite3_open(path.c_str(), &made) != SQLITE_OK
      || sqlite3_exec(made, "create table city (name text primary key, people int); insert into city values ('Oslo', 709)",
                      nullptr, nullptr, nullptr)
           != SQLITE_OK)
    give_up("the store cannot be made");
  sqlite3_close(made);
}

outcome run_command(std::uint64_t) {
  const scratch_folder place;
  make_store(place.in("city.db"));
  std::ofstream{place.in("in.ndjson")} << "{\"city\":\"Oslo\"}\n";
  std::ofstream{place.in("job.toml")} << R"(
[job]
name = "first output"
[source]
type = "ndjson"
path = "in.ndjson"
[pool.city]
url = "sqlite:city.db"
[[lookup]]
name = "people"
pool = "city"
query = "select people from city where name = ?"
key = ["city"]
into = "people"
mode = "ordered"
timeout = "5s"
[sink]
type = "ndjson"
path = "-"
)";
  const auto of = start({WEIR_BENCH_COMMAND, "run", "--quiet", place.in("job.toml")});
  if (of.output.find("709") == std::string::npos)
    give_up("wrong result");
  return told(of.first_output_ms, of.peak_rss_mib);
}

measurement cold(measurement of) {
  of.warms_up = false;
  return of;
}

} // namespace

std::vector<measurement> start_up() {
  return {cold({"a program with the library", 100, 1, 1, &run_library}),
          cold({"weir run with SQLite", 100, 1, 1, &run_command})};
}

} // namespace bench
