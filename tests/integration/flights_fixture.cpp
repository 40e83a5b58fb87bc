// SPDX-License-Identifier: Apache-2.0
#include "flights_fixture.hpp"

#include <hiredis/hiredis.h>
#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>

namespace fs = std::filesystem;

namespace {

const fs::path data = fs::path{WEIR_SOURCE_DIR} / "examples" / "flights";

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream in{file};
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

/// An SQLite database, as this test uses it apart from weir.
class database {
public:
  explicit database(const fs::path& file) {
    require(sqlite3_open(file.c_str(), &db_) == SQLITE_OK);
  }
  ~database() { sqlite3_close(db_); }
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  void run(const std::string& sql) {
    require(sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK);
  }

  /// Runs `sql` once for each row of arguments.
  void fill(const std::string& sql, const std::vector<std::vector<std::string>>& rows) {
    run("begin");
    auto* statement = prepare(sql);
    for (const auto& row : rows) {
      for (std::size_t i = 0; i < row.size(); ++i)
        sqlite3_bind_text(statement, static_cast<int>(i + 1), row[i].c_str(), -1, SQLITE_TRANSIENT);
      require(sqlite3_step(statement) == SQLITE_DONE);
      sqlite3_reset(statement);
    }
    sqlite3_finalize(statement);
    run("commit");
  }

  /// Calls `row(statement)` for each row of `sql`.
  template <class Row>
  void query(const std::string& sql, Row&& row) {
    auto* statement = prepare(sql);
    while (sqlite3_step(statement) == SQLITE_ROW)
      row(statement);
    sqlite3_finalize(statement);
  }

private:
  sqlite3_stmt* prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    require(sqlite3_prepare_v2(db_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK);
    return statement;
  }

  void require(bool holds) const {
    if (!holds)
      throw std::runtime_error(sqlite3_errmsg(db_));
  }

  sqlite3* db_ = nullptr;
};

/// Fields of a CSV line; quotes enclose commas and doubled quotes.
std::vector<std::string> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '"' && quoted && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      fields.emplace_back();
    } else if (c != '\r') {
      fields.back() += c;
    }
  }
  return fields;
}

const char* const make_airports = "create table airports (iata text primary key, name text, city text,"
                                  " state text, country text, latitude real, longitude real)";

std::string text_of(sqlite3_stmt* row, int column) {
  const auto* text = sqlite3_column_text(row, column);
  return text == nullptr ? "" : reinterpret_cast<const char*>(text);
}

/// Five columns from `first` on: name, city, state, latitude, longitude.
std::string airport(sqlite3_stmt* row, int first) {
  nlohmann::ordered_json object;
  object["name"] = text_of(row, first);
  object["city"] = text_of(row, first + 1);
  object["state"] = text_of(row, first + 2);
  object["latitude"] = sqlite3_column_double(row, first + 3);
  object["longitude"] = sqlite3_column_double(row, first + 4);
  return object.dump();
}

/// Waits for a child; what it used.
command_run wait_for(pid_t child) {
  command_run run;
  int status = 0;
  rusage used{};
  ::wait4(child, &status, 0, &used);
  run.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  run.peak_rss_kib = static_cast<std::size_t>(used.ru_maxrss);
  return run;
}

} // namespace

flights_store airports_in_sqlite() {
  return {"url = \"sqlite:airports.db\"",
          "query = \"select name, city, state, latitude, longitude from airports where iata = ?\""};
}

flights_store airports_in_memory() {
  return {"url = \"memory:" + (data / "airports.csv").string() + "\"\nkey_column = \"iata\"\ntypes = { iata = \"string\" }",
          "columns = [\"name\", \"city\", \"state\", \"latitude\", \"longitude\"]"};
}

flights_store airports_in_redis(const std::string& socket) {
  const std::unique_ptr<redisContext, void (*)(redisContext*)> server{::redisConnectUnix(socket.c_str()), ::redisFree};
  auto lines = lines_of(data / "airports.csv");
  lines.erase(lines.begin());
  for (const auto& line : lines) {
    const auto fields = csv_fields(line);
    nlohmann::ordered_json object;
    object["name"] = fields[1];
    object["city"] = fields[2];
    object["state"] = fields[3];
    object["latitude"] = std::stod(fields[5]);
    object["longitude"] = std::stod(fields[6]);
    const auto key = "airport:" + fields[0];
    const auto text = object.dump();
    ::redisAppendCommand(server.get(), "SET %s %s", key.c_str(), text.c_str());
  }
  for (std::size_t i = 0; i < lines.size(); ++i) {
    void* reply = nullptr;
    if (::redisGetReply(server.get(), &reply) != REDIS_OK)
      throw std::runtime_error(server->errstr);
    ::freeReplyObject(reply);
  }
  return {"url = \"redis://" + socket + "\"", "query = \"GET airport:{1}\""};
}

flights_fixture::flights_fixture() {
  auto name = (fs::temp_directory_path() / "weir-flights-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr)
    throw std::runtime_error("cannot make a scratch folder");
  scratch_ = name;
  make_store();
}

flights_fixture::~flights_fixture() {
  std::error_code ignored;
  fs::remove_all(scratch_, ignored);
}

void flights_fixture::make_store() {
  std::vector<std::vector<std::string>> airports;
  for (const auto& line : lines_of(data / "airports.csv"))
    airports.push_back(csv_fields(line));
  airports.erase(airports.begin());
  std::vector<std::vector<std::string>> flights;
  for (const auto& line : lines_of(data / "flights.ndjson")) {
    const auto flight = nlohmann::json::parse(line);
    flights.push_back({line, flight["origin"], flight["destination"]});
  }

  database store{scratch_ / "airports.db"};
  store.run(make_airports);
  store.fill("insert into airports values (?, ?, ?, ?, ?, ?, ?)", airports);
  store.run("create temp table flights (line integer primary key, text text, origin text,"
            " destination text)");
  store.fill("insert into flights (text, origin, destination) values (?, ?, ?)", flights);
  store.query("select f.text, o.name, o.city, o.state, o.latitude, o.longitude,"
              " d.name, d.city, d.state, d.latitude, d.longitude from flights f"
              " join airports o on o.iata = f.origin join airports d on d.iata = f.destination"
              " order by f.line",
              [&](sqlite3_stmt* row) {
                auto flight = text_of(row, 0);
                flight.pop_back();
                expected_.push_back({std::move(flight), airport(row, 1), airport(row, 6)});
              });
}

void flights_fixture::write_job(const flights_job& job, const fs::path& flights) const {
  const auto lookup = [&](const std::string& name) {
    return "[[lookup]]\nname = \"" + name
           + "\"\npool = \"airports\"\n" + job.store.question + "\nkey = [\"" + name + "\"]\ninto = \"" + name + "_airport\"\nmode = \"" + job.mode
           + "\"\ntimeout = \"10s\"\nretry = { kind = \"fixed\", max_attempts = 10, delay = "
             "\"1ms\" }\n";
  };
  std::ofstream out{scratch_ / "job.toml"};
  out << "[job]\nname = \"flights\"\nparallelism = " << job.parallelism
      << "\n[source]\ntype = \"ndjson\"\npath = \"" << flights.string()
      << "\"\ntimestamp = \"date\"\n[pool.airports]\n" << job.store.pool << "\n";
  if (!job.faults.empty())
    out << "[pool.airports.faults]\n" << job.faults << "\n";
  out << lookup("origin") << lookup("destination")
      << "[sink]\ntype = \"ndjson\"\npath = \"out\"\n";
}

command_run flights_fixture::run(const flights_job& job, int repeat) {
  auto flights = data / "flights.ndjson";
  if (repeat > 1) {
    std::ifstream in{flights};
    const std::string once{std::istreambuf_iterator<char>{in}, {}};
    flights = scratch_ / "flights.ndjson";
    std::ofstream out{flights};
    for (int i = 0; i < repeat; ++i)
      out << once;
  }
  write_job(job, flights);
  fs::remove_all(scratch_ / "out");

  const auto said = scratch_ / "said.txt";
  const auto begin = std::chrono::steady_clock::now();
  const auto child = ::fork();
  if (child == 0) {
    const int to = ::open(said.c_str(), O_CREAT | O_TRUNC | O_WRONLY, 0600);
    ::dup2(to, 1);
    ::dup2(to, 2);
    ::execl(WEIR_COMMAND, "weir", "run", (scratch_ / "job.toml").c_str(), nullptr);
    ::_exit(127);
  }
  auto result = wait_for(child);
  result.seconds
    = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  std::ifstream in{said};
  result.said.assign(std::istreambuf_iterator<char>{in}, {});
  return result;
}

std::vector<std::string> flights_fixture::output() const {
  std::vector<fs::path> parts;
  for (const auto& entry : fs::directory_iterator{scratch_ / "out"})
    parts.push_back(entry.path());
  std::sort(parts.begin(), parts.end());
  std::vector<std::string> lines;
  for (const auto& part : parts)
    for (auto& line : lines_of(part))
      lines.push_back(std::move(line));
  return lines;
}

const std::vector<flights_fixture::expected_line>& flights_fixture::expected() const {
  return expected_;
}

std::string flights_fixture::difference(const std::string& line, const expected_line& what) {
  if (line.compare(0, what.flight.size(), what.flight) != 0)
    return "the flight's own fields were changed: " + line;
  const auto record = nlohmann::ordered_json::parse(line, nullptr, false);
  if (record.is_discarded())
    return "not JSON: " + line;
  const auto own = nlohmann::json::parse(what.flight + "}").size();
  if (record.size() != own + 2)
    return "other fields than the two airports were added: " + line;
  if (std::prev(record.end(), 2).key() != "origin_airport"
      || std::prev(record.end()).key() != "destination_airport")
    return "the airports are not the last two fields: " + line;
  if (record["origin_airport"] != nlohmann::ordered_json::parse(what.origin_airport))
    return "origin_airport is not " + what.origin_airport + ": " + line;
  if (record["destination_airport"] != nlohmann::ordered_json::parse(what.destination_airport))
    return "destination_airport is not " + what.destination_airport + ": " + line;
  return {};
}
