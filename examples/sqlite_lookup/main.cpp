// SPDX-License-Identifier: Apache-2.0
//
// New here: a client pool, with SQLite as the store. The environment owns the pool and its connections;
// the function binds it when it opens, and asks with a statement that was prepared before the job began.
// A city that the store does not know leaves without a result, in its turn.

#include "weir/sqlite_driver.hpp"
#include "weir/weir.hpp"

#include <sqlite3.h>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>
#include <unistd.h>
#include <utility>
#include <variant>

namespace {

/// A database for this example, removed at its end.
class example_store {
public:
  example_store()
    : path_(std::filesystem::temp_directory_path()
            / ("weir-sqlite-lookup-" + std::to_string(::getpid()) + ".db")) {
    sqlite3* db = nullptr;
    made_ = sqlite3_open(path_.c_str(), &db) == SQLITE_OK
            && sqlite3_exec(db,
                            "create table city (name text primary key, people integer) strict;"
                            "insert into city values ('Bremen', 569), ('Kiel', 247), ('Mainz', 220)",
                            nullptr, nullptr, nullptr) == SQLITE_OK;
    sqlite3_close(db);
  }
  ~example_store() { std::filesystem::remove(path_); }
  example_store(const example_store&) = delete;
  example_store& operator=(const example_store&) = delete;

  bool made() const { return made_; }
  std::string url() const { return "sqlite:" + path_.string(); }

private:
  std::filesystem::path path_;
  bool made_ = false;
};

class people_lookup : public weir::async_function<std::string, std::string> {
public:
  explicit people_lookup(weir::client_pool cities)
    : cities_(std::move(cities)),
      asks_(cities_.statement("select people from city where name = ?", 1)) {}

  weir::expected<void> open(weir::function_context& context) {
    client_ = &cities_.bind(context);
    return {};
  }

  void async_invoke(const std::string& city, weir::result_future<std::string> done) {
    const auto deadline = done.deadline();
    client_->ask(asks_, {city}, deadline,
                 [city, done = std::move(done)](weir::expected<weir::answer> got) mutable {
                   if (!got)
                     done.fail(std::move(got).why());
                   else if (got->rows() == 0)
                     done.complete_empty();
                   else
                     done.complete(city + ": "
                                   + std::to_string(std::get<std::int64_t>(got->cell(0, 0)))
                                   + " thousand people");
                 });
  }

private:
  weir::client_pool cities_;
  weir::statement_id asks_;
  weir::pool_client* client_ = nullptr;
};

} // namespace

int main() {
  const example_store store;
  if (!store.made()) {
    std::cerr << "cannot make " << store.url() << '\n';
    return 1;
  }
  weir::environment env;
  const auto pool = env.client_pool(
    {.name = "cities", .driver = weir::sqlite_driver, .url = store.url(), .connections = 2});
  const auto cities
    = env.from_source(weir::collection_source<std::string>{{"Kiel", "Atlantis", "Mainz", "Bremen"}});
  const auto lines = weir::async_data_stream::ordered_wait(
    cities, people_lookup{pool},
    {.name = "people",
     .timeout = std::chrono::seconds{10},
     .retry = weir::exponential_delay{.max_attempts = 3,
                                      .initial = std::chrono::milliseconds{10},
                                      .max = std::chrono::seconds{1},
                                      .if_error = weir::error_not_of_kind({"rejected"})}});
  lines.sink_to([](const std::string& line) { std::cout << line << '\n'; });

  const auto result = env.execute("sqlite lookup");
  if (!result.ok())
    std::cerr << result.text() << '\n';
  return result.ok() ? 0 : 1;
}
