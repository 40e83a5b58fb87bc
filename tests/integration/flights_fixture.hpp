// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The main job as a program that is run from outside, and what must come out of it, found without
/// weir: SQLite joins the flights with the airports itself. A scratch folder holds the store and the
/// output; it goes with the fixture.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

/// How a store is named, and how it is asked for an airport.
struct flights_store {
  /// Lines of the job's pool.
  std::string pool;
  /// Lines of each lookup.
  std::string question;
};

flights_store airports_in_sqlite();
flights_store airports_in_memory();
/// Of a server that listens on `socket`; puts them there first.
flights_store airports_in_redis(const std::string& socket);

/// Settings of the main job that a test varies.
struct flights_job {
  flights_store store = airports_in_sqlite();
  std::string mode = "ordered";
  int parallelism = 1;
  /// Lines of the pool's table `faults`; empty: none.
  std::string faults{};
};

/// What a run of the command left.
struct command_run {
  int exit_code = 0;
  /// Standard output and standard error.
  std::string said;
  /// The process's peak of resident memory.
  std::size_t peak_rss_kib = 0;
  double seconds = 0;
};

class flights_fixture {
public:
  flights_fixture();
  ~flights_fixture();

  /// Runs `weir run` on the flights file, `repeat` times as long, with these settings.
  command_run run(const flights_job& job, int repeat = 1);

  /// The lines of the last run's part files, in the order of their names.
  std::vector<std::string> output() const;

  /// The lines that SQLite's own join gives, in the order of the flights: each flight's line without
  /// its closing brace, and the values of its two airports.
  struct expected_line {
    std::string flight;
    std::string origin_airport;
    std::string destination_airport;
  };
  const std::vector<expected_line>& expected() const;

  /// Why `line` is not what `what` asks for; empty where it is.
  static std::string difference(const std::string& line, const expected_line& what);

private:
  void make_store();
  void write_job(const flights_job& job, const std::filesystem::path& flights) const;

  std::filesystem::path scratch_;
  std::vector<expected_line> expected_;
};
