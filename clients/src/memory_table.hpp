// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A table that was read from a file, with an index on one column. Not thread-safe.

#include "weir/error.hpp"
#include "weir/question.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace weir::detail {

enum class cell_type : std::uint8_t { string, number, boolean };

/// Which file, and how it is read.
struct table_source {
  std::string path;
  std::string key_column;
  /// By columns' names.
  std::map<std::string, cell_type> types;
};

class memory_table {
public:
  static constexpr std::uint32_t none = 0xffff'ffff;

  /// A file in CSV or NDJSON, by its name's end.
  static expected<memory_table> read(const table_source& from);

  const std::vector<std::string>& columns() const noexcept { return columns_; }
  std::size_t key_column() const noexcept { return key_column_; }

  /// The place of a column; that of none is `columns().size()`.
  std::size_t find_column(std::string_view name) const noexcept;

  /// The first row with this key, in the file's order; `none` where there is none.
  std::uint32_t find(const value& key);
  /// The next with the same key.
  std::uint32_t next(std::uint32_t row) const noexcept { return next_[row]; }
  const value& cell(std::uint32_t row, std::size_t column) const noexcept {
    return cells_[row * columns_.size() + column];
  }

private:
  struct hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view key) const noexcept { return std::hash<std::string_view>{}(key); }
  };
  struct ends {
    std::uint32_t first;
    std::uint32_t last;
  };

  expected<void> make_index(const table_source& from, std::span<const std::size_t> places, std::string_view row_name);

  std::vector<std::string> columns_;
  std::size_t key_column_ = 0;
  /// Row by row.
  std::vector<value> cells_;
  std::vector<std::uint32_t> next_;
  std::unordered_map<std::string, ends, hash, std::equal_to<>> rows_;
  /// Memory for the form of a key that is compared.
  std::string comparable_;
};

} // namespace weir::detail
