// SPDX-License-Identifier: Apache-2.0

#include "sqlite_connection.hpp"

#include "utf8.hpp"

#include <cstring>
#include <type_traits>
#include <utility>
#include <variant>

namespace weir::detail {

namespace {

/// How long a call waits for a writer that holds the lock.
constexpr int busy_timeout_ms = 250;

/// Above it an answer is refused: the operator would have to hold it, and so would what comes behind.
constexpr std::size_t answer_bytes_max = std::size_t{16} << 20;

/// After so many of its virtual machine's steps SQLite asks whether it is to go on; some microseconds.
constexpr int interrupt_check_steps = 1000;

/// Pages kept by each connection. The inner pages of a large index fit, and so does a small table.
constexpr auto cache_size = "pragma cache_size = -1024";

std::string quoted(const std::string& statement) {
  constexpr std::size_t length_max = 200;
  return "\""
         + (statement.size() <= length_max ? statement : statement.substr(0, length_max) + "...")
         + "\"";
}

std::string_view kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return error_kind::overloaded;
    case SQLITE_CANTOPEN:
    case SQLITE_CORRUPT:
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
    // Nothing here writes: another program died in the middle of a transaction.
    case SQLITE_READONLY:
      return error_kind::io;
    case SQLITE_INTERNAL:
    case SQLITE_MISUSE:
    case SQLITE_NOMEM:
      return error_kind::internal;
    case SQLITE_INTERRUPT:
      return error_kind::cancelled;
    default:
      return error_kind::rejected;
  }
}

column_names columns_of(sqlite3_stmt* s) {
  std::vector<std::string> names;
  const auto count = sqlite3_column_count(s);
  for (int i = 0; i < count; ++i) {
    const auto* name = sqlite3_column_name(s, i);
    names.emplace_back(name != nullptr ? name : "");
  }
  return column_names::of(std::move(names));
}

int preparations(sqlite3_stmt* s) {
  return sqlite3_stmt_status(s, SQLITE_STMTSTATUS_REPREPARE, 0);
}

/// Whether nothing but blanks, comments and semicolons follows the statement.
bool is_last(sqlite3* db, const char* rest) {
  while (*rest != '\0') {
    sqlite3_stmt* next = nullptr;
    const auto code = sqlite3_prepare_v2(db, rest, -1, &next, &rest);
    sqlite3_finalize(next);
    if (code != SQLITE_OK || next != nullptr)
      return false;
  }
  return true;
}

} // namespace

// -- opening --

expected<void> sqlite_connection::open(const std::vector<statement_declaration>& statements) {
  if (auto opened = open_database(); !opened)
    return opened;
  for (const auto& declared : statements) {
    auto p = prepare(declared);
    if (!p)
      return std::move(p).why();
    statements_.push_back(*std::move(p));
  }
  return {};
}

expected<void> sqlite_connection::open_database() {
  // A connection stays on its thread, so SQLite's own locking is left out.
  sqlite3* db = nullptr;
  const auto code
    = sqlite3_open_v2(path_.c_str(), &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  db_.reset(db);
  if (code != SQLITE_OK) {
    const auto number = db != nullptr ? sqlite3_system_errno(db) : 0;
    return error{error_kind::io, path_,
                 std::string{"the database cannot be opened: "}
                   + (number != 0 ? std::strerror(number) : sqlite3_errstr(code))
                   + ". Check the path in the pool's url, and that the file may be read"};
  }
  sqlite3_busy_timeout(db, busy_timeout_ms);
  // Not sqlite3_interrupt: that is forgotten where it comes right before a statement's first step.
  const auto give_up = [](void* of) -> int {
    return static_cast<const sqlite_connection*>(of)->gives_up() ? 1 : 0;
  };
  sqlite3_progress_handler(db, interrupt_check_steps, give_up, this);
  sqlite3_exec(db, cache_size, nullptr, nullptr, nullptr);
  // SQLite looks into the file only when it has to.
  if (const auto read
      = sqlite3_exec(db, "select count(*) from sqlite_master", nullptr, nullptr, nullptr);
      read != SQLITE_OK)
    return error{kind_of(read), path_, "the database cannot be read: " + message_of(read)};
  for (auto [text, place] : {std::pair{"begin", &begin_}, std::pair{"commit", &commit_}}) {
    sqlite3_stmt* s = nullptr;
    if (sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &s, nullptr) != SQLITE_OK)
      return error{error_kind::internal, path_, sqlite3_errmsg(db)};
    place->reset(s);
  }
  return {};
}

expected<sqlite_connection::prepared> sqlite_connection::prepare(
  const statement_declaration& declared) {
  prepared p{declared.text, nullptr, {}, 0};
  sqlite3_stmt* s = nullptr;
  const char* rest = nullptr;
  const auto code
    = sqlite3_prepare_v3(db_.get(), p.text.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &s, &rest);
  p.handle.reset(s);
  if (code != SQLITE_OK) {
    auto why = quoted(p.text) + ": " + sqlite3_errmsg(db_.get());
    const auto offset = sqlite3_error_offset(db_.get());
    if (offset >= 0)
      why += " (at character " + std::to_string(offset + 1) + ")";
    if (code == SQLITE_ERROR)
      why += ". Tables of this file: " + table_names();
    return error{kind_of(code), path_, std::move(why)};
  }
  if (auto good = check(p, rest, declared.arguments); !good)
    return std::move(good).why();
  p.columns = columns_of(s);
  return p;
}

expected<void> sqlite_connection::check(const prepared& p, const char* rest,
                                        std::size_t arguments) const {
  const auto wrong = [&](const std::string& rule) {
    return error{error_kind::argument, path_, quoted(p.text) + " " + rule};
  };
  auto* const s = p.handle.get();
  if (s == nullptr)
    return wrong("is no statement; write a select");
  if (!is_last(db_.get(), rest))
    return wrong("is more than one statement; declare each on its own");
  if (sqlite3_stmt_readonly(s) == 0)
    return wrong("writes, but a pool only reads; write a select");
  if (sqlite3_column_count(s) == 0)
    return wrong("gives no rows; write a select");
  const auto wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(s));
  if (wanted != arguments)
    return wrong("takes " + std::to_string(wanted) + " arguments, but is asked with "
                 + std::to_string(arguments) + "; write one ? for each");
  return {};
}

std::string sqlite_connection::table_names() {
  std::string names;
  const auto append = [](void* to, int, char** cells, char**) {
    auto& all = *static_cast<std::string*>(to);
    if (!all.empty())
      all += ", ";
    all += cells[0];
    return 0;
  };
  sqlite3_exec(db_.get(),
               "select name from sqlite_master where type in ('table', 'view')"
               " and name not like 'sqlite!_%' escape '!' order by name limit 20",
               append, &names, nullptr);
  return names.empty() ? "none" : names;
}

// -- asking --

void sqlite_connection::begin_span() {
  // Without it SQLite locks the file, looks for changes and unlocks it for each single question.
  run(begin_.get());
}

void sqlite_connection::end_span() {
  // An error inside may have ended the transaction.
  if (sqlite3_get_autocommit(db_.get()) == 0)
    run(commit_.get());
}

void sqlite_connection::interrupt() noexcept {
  interrupted_.store(true, std::memory_order_relaxed);
}

bool sqlite_connection::gives_up() const noexcept {
  return interrupted_.load(std::memory_order_relaxed)
         || (deadline_ != time_point::max() && time_point::clock::now() >= deadline_);
}

expected<answer> sqlite_connection::execute(statement_id statement, std::span<const value> arguments,
                                            time_point deadline) {
  deadline_ = deadline;
  auto& p = statements_[statement.index];
  auto* const s = p.handle.get();
  struct resetter {
    sqlite3_stmt* s;
    ~resetter() { sqlite3_reset(s); }
  } const at_the_end{s};

  if (const auto code = bind(s, arguments); code != SQLITE_OK)
    return failure(code, p.text);
  auto code = sqlite3_step(s);
  if (preparations(s) != p.preparations) {
    p.preparations = preparations(s);
    p.columns = columns_of(s);
  }
  answer result{p.columns, {}};
  std::size_t bytes = 0;
  for (; code == SQLITE_ROW; code = sqlite3_step(s))
    if (auto appended = append_row(p, result, bytes); !appended)
      return std::move(appended).why();
  if (code != SQLITE_DONE)
    return failure(code, p.text);
  return result;
}

int sqlite_connection::bind(sqlite3_stmt* s, std::span<const value> arguments) const {
  // Texts and blobs are not copied: the arguments outlive the statement's steps.
  int code = SQLITE_OK;
  for (std::size_t i = 0; i < arguments.size() && code == SQLITE_OK; ++i) {
    const auto place = static_cast<int>(i + 1);
    code = std::visit(
      [&](const auto& x) {
        using type = std::remove_cvref_t<decltype(x)>;
        if constexpr (std::is_same_v<type, std::monostate>)
          return sqlite3_bind_null(s, place);
        else if constexpr (std::is_integral_v<type>)
          return sqlite3_bind_int64(s, place, x);
        else if constexpr (std::is_same_v<type, double>)
          return sqlite3_bind_double(s, place, x);
        else if constexpr (std::is_same_v<type, std::string>)
          return sqlite3_bind_text64(s, place, x.data(), x.size(), SQLITE_STATIC, SQLITE_UTF8);
        else if constexpr (std::is_same_v<type, raw_json>)
          return sqlite3_bind_text64(s, place, x.text.data(), x.text.size(), SQLITE_STATIC,
                                     SQLITE_UTF8);
        else
          return sqlite3_bind_blob64(s, place, x.bytes.data(), x.bytes.size(), SQLITE_STATIC);
      },
      arguments[i]);
  }
  return code;
}

expected<void> sqlite_connection::append_row(const prepared& p, answer& result,
                                             std::size_t& bytes) const {
  auto* const s = p.handle.get();
  const auto count = static_cast<int>(p.columns.size());
  if (result.cells.empty())
    result.cells.reserve(p.columns.size());
  for (int i = 0; i < count; ++i) {
    switch (sqlite3_column_type(s, i)) {
      case SQLITE_INTEGER:
        result.cells.emplace_back(std::int64_t{sqlite3_column_int64(s, i)});
        break;
      case SQLITE_FLOAT:
        result.cells.emplace_back(sqlite3_column_double(s, i));
        break;
      case SQLITE_NULL:
        result.cells.emplace_back();
        break;
      default: {
        // The order matters: asking for the text or the blob settles the form that is measured.
        const auto is_text = sqlite3_column_type(s, i) == SQLITE_TEXT;
        const void* data = is_text ? sqlite3_column_text(s, i) : sqlite3_column_blob(s, i);
        const auto size = static_cast<std::size_t>(sqlite3_column_bytes(s, i));
        if (data == nullptr && sqlite3_errcode(db_.get()) == SQLITE_NOMEM)
          return failure(SQLITE_NOMEM, p.text);
        std::string content;
        if (size > 0)
          content.assign(static_cast<const char*>(data), size);
        bytes += size;
        if (!is_text) {
          result.cells.emplace_back(blob{std::move(content)});
          break;
        }
        if (!is_utf8(content))
          return error{error_kind::rejected, path_,
                       quoted(p.text) + ": a text in column " + p.columns[std::size_t(i)]
                         + " is not UTF-8; select cast(" + p.columns[std::size_t(i)]
                         + " as blob) to get its bytes"};
        result.cells.emplace_back(std::move(content));
      }
    }
  }
  bytes += p.columns.size() * sizeof(value);
  if (bytes > answer_bytes_max)
    return error{error_kind::rejected, path_,
                 quoted(p.text) + ": the answer has more than 16 MiB; select less, or set a limit"};
  return {};
}

void sqlite_connection::run(sqlite3_stmt* s) noexcept {
  // A failure here is nobody's answer: the questions inside say for themselves what is wrong.
  sqlite3_step(s);
  sqlite3_reset(s);
}

error sqlite_connection::failure(int code, const std::string& text) const {
  return {kind_of(code), path_, quoted(text) + ": " + message_of(code)};
}

std::string sqlite_connection::message_of(int code) const {
  if ((code & 0xff) == SQLITE_READONLY)
    return "a program that wrote to it died in the middle of a transaction, which must be rolled back "
           "first; open the file once with write access, as with: sqlite3 FILE 'select 1'";
  return sqlite3_errmsg(db_.get());
}

} // namespace weir::detail
