// SPDX-License-Identifier: Apache-2.0
#include "kill_fixture.hpp"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <stdexcept>
#include <utility>

namespace weir::tool::testing {

namespace {

namespace fs = std::filesystem;

nlohmann::json summary_of(const std::string& json) {
  auto read = nlohmann::json::parse(json, nullptr, false);
  if (!read.is_object() || !read.contains("lookups"))
    throw std::runtime_error{"the command has given no summary: " + json};
  return read;
}

void fill(sqlite3* db, const std::string& insert,
          const std::vector<std::vector<std::string>>& rows) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(db, insert.c_str(), -1, &statement, nullptr);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      sqlite3_bind_text(statement, static_cast<int>(i + 1), row[i].c_str(), -1, SQLITE_TRANSIENT);
    if (sqlite3_step(statement) != SQLITE_DONE)
      throw std::runtime_error{"cannot fill the store"};
    sqlite3_reset(statement);
  }
  sqlite3_finalize(statement);
}

} // namespace

// -- the job --

kill_fixture::kill_fixture(kill_job job, std::uint64_t seed)
  : job_(std::move(job)),
    world_(make_world(seed, job_.lines)),
    model_(world_, job_.promises) {
  folder.write("in.ndjson", world_.input());
  folder.write("job.toml", job_text());
  fs::create_directory(folder.path("letters"));
  make_store();
}

void kill_fixture::make_store() const {
  std::vector<std::vector<std::string>> customers;
  for (const auto& [id, row] : world_.customers)
    customers.push_back({id, row.name, std::to_string(row.tier)});
  std::vector<std::vector<std::string>> offers;
  for (const auto& [product, rows] : world_.offers)
    for (const auto& row : rows)
      offers.push_back({product, std::to_string(row.price), row.shop});

  sqlite3* db = nullptr;
  const bool made
    = sqlite3_open(folder.path("store.db").c_str(), &db) == SQLITE_OK
      && sqlite3_exec(db,
                      "create table customers (id text primary key, name text, tier integer);"
                      "create table offers (product text, price integer, shop text);"
                      "create index by_product on offers (product);"
                      "begin",
                      nullptr, nullptr, nullptr)
           == SQLITE_OK;
  if (made) {
    fill(db, "insert into customers values (?, ?, ?)", customers);
    fill(db, "insert into offers values (?, ?, ?)", offers);
    sqlite3_exec(db, "commit", nullptr, nullptr, nullptr);
  }
  sqlite3_close(db);
  if (!made)
    throw std::runtime_error{"cannot make the store"};
}

std::string kill_fixture::job_text() const {
  const auto lookup = [&](const std::string& name, const std::string& more) {
    return "[[lookup]]\nname = \"" + name + "\"\npool = \"store\"\nmode = \"" + job_.mode
           + "\"\ntimeout = \"10m\"\ncapacity = 20\n"
             "retry = { kind = \"fixed\", max_attempts = 100, delay = \"2ms\" }\n"
           + (job_.mode == "key_ordered" ? "order_key = [\"customer\"]\n" : "") + more;
  };
  std::string text = "[job]\nname = \"orders\"\nparallelism = " + std::to_string(job_.parallelism)
                     + "\n[source]\n"
                       "type = \"ndjson\"\n"
                       "path = \"in.ndjson\"\n"
                       "timestamp = \"at\"\n"
                       "max_out_of_orderness = \"50ms\"\n"
                       "watermark_interval = \"1ms\"\n"
                       "on_bad_record = \"dead_letter\"\n"
                       "dead_letter = \"letters/bad.ndjson\"\n"
                       "[pool.store]\n"
                       "url = \"sqlite:store.db\"\n"
                       "faults = { latency = \"1ms..15ms\", errors = 0.1, seed = 11 }\n";
  text += lookup("customer", "query = \"select name, tier from customers where id = ?\"\n"
                             "key = [\"customer\"]\n"
                             "into = \"who\"\n"
                             "on_miss = \"fail\"\n"
                             "on_failure = \"dead_letter\"\n"
                             "dead_letter = \"letters/bad.ndjson\"\n");
  text += lookup("offers",
                 "query = \"select price, shop from offers where product = ? order by price\"\n"
                 "key = [\"product\"]\n"
                 "rows = \"all\"\n"
                 "into = \"offers\"\n");
  text += "[sink]\ntype = \"ndjson\"\npath = \"out\"\n";
  if (job_.checkpoint_interval)
    text += "[checkpoints]\ndirectory = \"checkpoints\"\ninterval = \""
            + std::to_string(job_.checkpoint_interval->count()) + "ms\"\n";
  return text;
}

// -- running --

finished_command kill_fixture::run() const {
  return run_for(folder.path(), {});
}

kill_tally kill_fixture::kill_until_done(const kill_plan& plan) {
  std::int64_t again = 0;
  auto met
    = kill_job_until_done(folder.path(), plan, [&](const finished_command& ended, bool done) {
        auto wrong = fault(done ? progress_so_far::done : progress_so_far::under_way);
        if (wrong.empty() && done) {
          wrong = fault_of_summary(ended.out);
          again = asked_again(ended.out);
        }
        return wrong;
      });
  met.asked_again = again;
  return met;
}

// -- what came of it --

visible_output kill_fixture::visible() const {
  visible_output found;
  const auto read = [&](const std::string& in, std::string& to) {
    if (!fs::exists(folder.path(in)))
      return;
    for (const auto& name : folder.names(in)) {
      if (name.ends_with(".lock") || name.ends_with(".run"))
        continue;
      if (name.starts_with('.'))
        found.hidden.push_back(name);
      else
        to += folder.read(in + "/" + name);
    }
  };
  read("out", found.records);
  read("letters", found.dead_letters);
  return found;
}

std::string kill_fixture::fault(progress_so_far how_far) {
  for (const auto& [path, content] : parts_seen_)
    if (!fs::exists(folder.path(path)))
      return path + ", which was visible, has gone";
    else if (folder.read(path) != content)
      return path + ", which was visible, has changed";
  for (const std::string in : {"out", "letters"})
    if (job_.checkpoint_interval && fs::exists(folder.path(in)))
      for (const auto& name : folder.names(in))
        if (!name.starts_with('.'))
          parts_seen_.emplace(in + "/" + name, folder.read(in + "/" + name));
  return model_.fault_of(visible(), how_far);
}

std::string kill_fixture::fault_of_summary(const std::string& json) const {
  const auto sum = summary_of(json);
  const std::pair<const char*, std::size_t> expected[] = {{"records_in", world_.lines.size()},
                                                          {"records_out", model_.records().size()},
                                                          {"dead_letters", model_.dead_letters()},
                                                          {"left_behind", 0}};
  for (const auto& [name, count] : expected)
    if (sum[name] != count)
      return std::string{"the summary's "} + name + " must be " + std::to_string(count) + ": "
             + json;
  return {};
}

std::int64_t kill_fixture::asked_again(const std::string& json) {
  std::int64_t again = 0;
  const auto sum = summary_of(json);
  for (const auto& lookup : sum["lookups"])
    again += lookup["calls"].get<std::int64_t>() - lookup["retries"].get<std::int64_t>()
             - lookup["records_in"].get<std::int64_t>();
  return again;
}

} // namespace weir::tool::testing
