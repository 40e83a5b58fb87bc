// SPDX-License-Identifier: Apache-2.0

#include "memory_table.hpp"

#include "stored_json.hpp"
#include "utf8.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <csv.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>

namespace weir::detail {

namespace {

constexpr std::size_t rows_max = memory_table::none;
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

error broken(const table_source& from, std::string message) {
  return {error_kind::argument, from.path, std::move(message)};
}

/// What was read: columns and cells, and the line or row of the file that each row was.
struct raw_table {
  std::vector<std::string> columns;
  std::vector<value> cells;
  std::vector<std::size_t> places;
};

using file_handle = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

expected<file_handle> open_file(const table_source& from) {
  file_handle file{std::fopen(from.path.c_str(), "rb"), std::fclose};
  if (!file)
    return error{error_kind::io, from.path,
                 std::string{"the table cannot be opened: "} + std::strerror(errno)
                   + ". Check the path in the pool's url, and that the file may be read"};
  return file;
}

error not_read(const table_source& from) {
  return {error_kind::io, from.path, std::string{"the table cannot be read: "} + std::strerror(errno)};
}

/// The columns of a header or the like, each once.
std::string fault_of(const std::vector<std::string>& columns) {
  auto sorted = columns;
  std::sort(sorted.begin(), sorted.end());
  if (const auto twice = std::adjacent_find(sorted.begin(), sorted.end()); twice != sorted.end())
    return "has the column \"" + *twice + "\" twice";
  return {};
}

/// Gets the cells of a CSV file one by one from the library, which knows nothing of exceptions.
class csv_rows {
public:
  csv_rows(const table_source& from, raw_table& into) : from_(from), into_(into) {}

  static void on_cell(void* text, std::size_t size, void* self) {
    static_cast<csv_rows*>(self)->guarded([&](csv_rows& rows) {
      rows.take_cell(text == nullptr ? std::string_view{} : std::string_view{static_cast<char*>(text), size},
                     text != nullptr);
    });
  }

  static void on_row(int, void* self) {
    static_cast<csv_rows*>(self)->guarded([](csv_rows& rows) { rows.end_row(); });
  }

  std::size_t row() const noexcept { return row_; }
  const std::string& fault() const noexcept { return fault_; }
  bool out_of_memory() const noexcept { return out_of_memory_; }

private:
  template <class Step>
  void guarded(Step step) noexcept {
    if (!fault_.empty() || out_of_memory_)
      return;
    try {
      step(*this);
    } catch (const std::bad_alloc&) {
      out_of_memory_ = true;
    }
  }

  /// `is_there`: not so of a cell that has nothing in it, not even quotes.
  void take_cell(std::string_view text, bool is_there) {
    if (!is_utf8(text)) {
      fault_ = "is not UTF-8";
    } else if (row_ == 1) {
      into_.columns.emplace_back(text);
    } else if (cells_ == into_.columns.size()) {
      fault_ = "has more than the " + std::to_string(into_.columns.size()) + " cells of the first row";
    } else {
      into_.cells.push_back(cell_of(text, is_there));
      ++cells_;
    }
  }

  value cell_of(std::string_view text, bool is_there) {
    const auto& column = into_.columns[cells_];
    const auto typed = from_.types.find(column);
    value cell;
    if (typed == from_.types.end()) {
      if (!text.empty() && !number_of(text, cell))
        cell = std::string{text};
      return cell;
    }
    if (typed->second == cell_type::string) {
      // Only quotes tell a string without letters from none.
      if (is_there)
        cell = std::string{text};
    } else if (text.empty()) {
      return cell;
    } else if (typed->second == cell_type::number) {
      if (!number_of(text, cell))
        fault_ = "has no number in the column \"" + column + "\"";
    } else if (text == "true" || text == "false") {
      cell = text == "true";
    } else {
      fault_ = "has neither true nor false in the column \"" + column + "\"";
    }
    return cell;
  }

  void end_row() {
    if (row_ == 1)
      fault_ = fault_of(into_.columns);
    else if (cells_ != into_.columns.size())
      fault_ = "has " + std::to_string(cells_) + " cells, and the first row " + std::to_string(into_.columns.size());
    else
      into_.places.push_back(row_);
    if (fault_.empty())
      ++row_;
    cells_ = 0;
  }

  const table_source& from_;
  raw_table& into_;
  /// From 1, which has the names.
  std::size_t row_ = 1;
  std::size_t cells_ = 0;
  std::string fault_;
  bool out_of_memory_ = false;
};

expected<void> read_csv(const table_source& from, raw_table& into) {
  auto file = open_file(from);
  if (!file)
    return std::move(file).why();
  csv_parser parser;
  csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI | CSV_EMPTY_IS_NULL);
  const std::unique_ptr<csv_parser, void (*)(csv_parser*)> at_the_end{&parser, csv_free};
  // Blanks around a cell belong to it.
  csv_set_space_func(&parser, [](unsigned char) { return 0; });
  csv_rows rows{from, into};
  const auto failed = [&] {
    if (rows.out_of_memory())
      throw std::bad_alloc{};
    const auto row = "row " + std::to_string(rows.row()) + " ";
    return rows.fault().empty() ? broken(from, row + "is no CSV: a quote stands where none may be")
                                : broken(from, row + rows.fault());
  };
  std::vector<char> block(std::size_t{64} << 10);
  bool first = true;
  while (const auto size = std::fread(block.data(), 1, block.size(), file->get())) {
    std::string_view text{block.data(), size};
    if (std::exchange(first, false) && text.starts_with(byte_order_mark))
      text.remove_prefix(byte_order_mark.size());
    const auto taken = csv_parse(&parser, text.data(), text.size(), csv_rows::on_cell, csv_rows::on_row, &rows);
    if (csv_error(&parser) == CSV_ENOMEM)
      throw std::bad_alloc{};
    if (taken < text.size() || !rows.fault().empty() || rows.out_of_memory())
      return failed();
  }
  if (std::ferror(file->get()) != 0)
    return not_read(from);
  if (csv_fini(&parser, csv_rows::on_cell, csv_rows::on_row, &rows) != 0 || !rows.fault().empty()
      || rows.out_of_memory())
    return failed();
  if (into.columns.empty())
    return broken(from, "is empty; the first row must hold the names of the columns");
  return {};
}

expected<void> read_ndjson(const table_source& from, raw_table& into) {
  auto file = open_file(from);
  if (!file)
    return std::move(file).why();
  stored_json json;
  stored_json::members members;
  std::vector<stored_json::members> rows;
  char* line = nullptr;
  std::size_t room = 0;
  const std::unique_ptr<char*, void (*)(char**)> at_the_end{&line, [](char** of) { std::free(*of); }};
  std::size_t number = 0;
  for (;;) {
    errno = 0;
    const auto size = ::getline(&line, &room, file->get());
    if (size < 0)
      break;
    ++number;
    const std::string_view text{line, static_cast<std::size_t>(size)};
    if (text.find_first_not_of(" \t\r\n") == std::string_view::npos)
      continue;
    const auto at = "line " + std::to_string(number) + " ";
    if (const auto wrong = json.read_object(text, members); !wrong.empty())
      return broken(from, at + wrong);
    for (std::size_t i = 0; i < members.size(); ++i) {
      const auto& name = members[i].first;
      const auto same = [&](const auto& other) { return other.first == name; };
      if (std::any_of(members.begin(), members.begin() + static_cast<std::ptrdiff_t>(i), same))
        return broken(from, at + "has the member \"" + name + "\" twice");
      if (std::find(into.columns.begin(), into.columns.end(), name) == into.columns.end())
        into.columns.push_back(name);
    }
    rows.push_back(members);
    into.places.push_back(number);
  }
  if (std::ferror(file->get()) != 0)
    return not_read(from);
  for (auto& row : rows)
    for (const auto& column : into.columns) {
      const auto found = std::find_if(row.begin(), row.end(), [&](const auto& each) { return each.first == column; });
      into.cells.push_back(found == row.end() ? value{} : std::move(found->second));
    }
  return {};
}

/// Equal keys have equal ones.
void write_comparable(const value& key, std::string& into) {
  into.clear();
  const auto append = [&](char kind, std::string_view text) { into.append(1, kind).append(text); };
  std::visit(
    [&](const auto& x) {
      using type = std::remove_cvref_t<decltype(x)>;
      if constexpr (std::is_same_v<type, std::string>)
        append('s', x);
      else if constexpr (std::is_same_v<type, bool>)
        append('b', x ? "1" : "0");
      else if constexpr (std::is_same_v<type, std::int64_t>)
        append('n', std::to_string(x));
      else if constexpr (std::is_same_v<type, double>) {
        // 2^63: below it a whole number is one of 64 bits.
        if (std::trunc(x) == x && x >= -0x1p63 && x < 0x1p63) {
          append('n', std::to_string(static_cast<std::int64_t>(x)));
        } else {
          const auto bits = std::bit_cast<std::uint64_t>(x);
          append('d', {reinterpret_cast<const char*>(&bits), sizeof bits});
        }
      } else if constexpr (std::is_same_v<type, raw_json>) {
        append('r', x.text);
      } else if constexpr (std::is_same_v<type, blob>) {
        append('x', x.bytes);
      } else {
        append('0', {});
      }
    },
    key);
}

/// A number that was kept as text, as a question brings it.
void make_askable(value& key) {
  const auto* const raw = std::get_if<raw_json>(&key);
  double real = 0;
  value number;
  if (raw == nullptr || !number_of(raw->text, number))
    return;
  const auto* const end = raw->text.data() + raw->text.size();
  if (std::from_chars(raw->text.data(), end, real).ec == std::errc{})
    key = real;
}

} // namespace

expected<memory_table> memory_table::read(const table_source& from) {
  raw_table raw;
  const bool is_csv = from.path.ends_with(".csv");
  if (auto done = is_csv ? read_csv(from, raw) : read_ndjson(from, raw); !done)
    return std::move(done).why();
  memory_table table;
  table.columns_ = std::move(raw.columns);
  table.cells_ = std::move(raw.cells);
  if (auto done = table.make_index(from, raw.places, is_csv ? "row " : "line "); !done)
    return std::move(done).why();
  return table;
}

std::size_t memory_table::find_column(std::string_view name) const noexcept {
  return static_cast<std::size_t>(std::find(columns_.begin(), columns_.end(), name) - columns_.begin());
}

std::uint32_t memory_table::find(const value& key) {
  write_comparable(key, comparable_);
  const auto found = rows_.find(std::string_view{comparable_});
  return found == rows_.end() ? none : found->second.first;
}

expected<void> memory_table::make_index(const table_source& from, std::span<const std::size_t> places,
                                        std::string_view row_name) {
  std::string names;
  for (const auto& each : columns_)
    names += (names.empty() ? "" : ", ") + each;
  const auto is_missing = [&](const std::string& column) { return find_column(column) == columns_.size(); };
  if (is_missing(from.key_column))
    return broken(from, "has no column \"" + from.key_column + "\", which the pool's key_column names; it has "
                          + (names.empty() ? "none" : names));
  for (const auto& [column, type] : from.types)
    if (is_missing(column))
      return broken(from, "has no column \"" + column + "\", which the pool's types name; it has " + names);
  if (places.size() >= rows_max)
    return broken(from, "has more than " + std::to_string(rows_max - 1) + " rows");
  key_column_ = find_column(from.key_column);
  next_.assign(places.size(), none);
  rows_.reserve(places.size());
  for (std::uint32_t row = 0; row < places.size(); ++row) {
    auto key = cell(row, key_column_);
    const auto at = std::string{row_name} + std::to_string(places[row]);
    if (std::holds_alternative<std::monostate>(key))
      return broken(from, at + " has no \"" + from.key_column + "\", which is the key");
    make_askable(key);
    if (std::holds_alternative<raw_json>(key))
      return broken(from, at + " has a key that is an array or an object; a key is a string, a number, true or false");
    write_comparable(key, comparable_);
    const auto [at_key, is_new] = rows_.try_emplace(comparable_, ends{row, row});
    if (!is_new)
      next_[std::exchange(at_key->second.last, row)] = row;
  }
  return {};
}

} // namespace weir::detail
