// SPDX-License-Identifier: Apache-2.0
#pragma once

/// One read-only connection to a SQLite database with its prepared statements. On its thread alone, as
/// blocking_connection says.

#include "weir/blocking_driver.hpp"

#include <sqlite3.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir::detail {

class sqlite_connection final : public blocking_connection {
public:
  explicit sqlite_connection(std::string path) : path_(std::move(path)) {}

  expected<void> open(const std::vector<statement_declaration>& statements) override;
  expected<answer> execute(statement_id statement, std::span<const value> arguments,
                           time_point deadline) override;
  void begin_span() override;
  void end_span() override;
  void interrupt() noexcept override;

private:
  struct closer {
    void operator()(sqlite3* db) const noexcept { sqlite3_close(db); }
    void operator()(sqlite3_stmt* s) const noexcept { sqlite3_finalize(s); }
  };
  using database_ptr = std::unique_ptr<sqlite3, closer>;
  using statement_ptr = std::unique_ptr<sqlite3_stmt, closer>;

  struct prepared {
    std::string text;
    statement_ptr handle;
    column_names columns;
    /// How often SQLite had to prepare it anew (the tables changed) when `columns` was read.
    int preparations = 0;
  };

  // -- opening --
  expected<void> open_database();
  expected<prepared> prepare(const statement_declaration& declared);
  expected<void> check(const prepared& p, const char* rest, std::size_t arguments) const;
  std::string table_names();

  // -- asking --
  int bind(sqlite3_stmt* s, std::span<const value> arguments) const;
  expected<void> append_row(const prepared& p, answer& result, std::size_t& bytes) const;
  void run(sqlite3_stmt* s) noexcept;

  /// Whether the statement that runs is to end.
  bool gives_up() const noexcept;
  error failure(int code, const std::string& text) const;
  std::string message_of(int code) const;

  std::string path_;
  database_ptr db_;
  statement_ptr begin_;
  statement_ptr commit_;
  std::vector<prepared> statements_;
  /// Of the question that is being answered.
  time_point deadline_ = time_point::max();
  std::atomic<bool> interrupted_ = false;
};

} // namespace weir::detail
