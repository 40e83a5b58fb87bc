// SPDX-License-Identifier: Apache-2.0
#include "workloads.hpp"

#include "scratch_folder.hpp"

#include <fcntl.h>
#include <sqlite3.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <vector>

namespace bench {

namespace {

struct started {
  double first_output_ms = 0;
  std::string output;
  double peak_rss_mib = 0;
};

/// Starts a program, and waits for its first byte and its end.
started start(std::vector<std::string> words) {
  std::vector<char*> arguments;
  for (auto& each : words)
    arguments.push_back(each.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    give_up("no pipe");
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_adddup2(&files, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const auto began = clock::now();
  pid_t child = 0;
  if (::posix_spawn(&child, arguments[0], &files, nullptr, arguments.data(), environ) != 0)
    give_up(words[0] + " cannot be started");
  posix_spawn_file_actions_destroy(&files);
  ::close(ends[1]);
  started of;
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], bytes, sizeof(bytes))) > 0;) {
    if (of.output.empty())
      of.first_output_ms = std::chrono::duration<double, std::milli>(clock::now() - began).count();
    of.output.append(bytes, static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    give_up(words[0] + " failed");
  of.peak_rss_mib = static_cast<double>(used.ru_maxrss) / 1024;
  return of;
}

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
