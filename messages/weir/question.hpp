// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What a function asks a store through a client pool, and what the store answers: one small
/// vocabulary for every kind of store, so that a job that asks SQLite today can ask another store
/// tomorrow with a new driver alone. Plain values; any thread.

#include "weir/column_names.hpp"
#include "weir/error.hpp"
#include "weir/inline_vector.hpp"
#include "weir/time.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <variant>

namespace weir {

/// Bytes that are no text.
struct blob {
  std::string bytes;
  friend bool operator==(const blob&, const blob&) = default;
};

/// A JSON value as the store wrote it: documents, and numbers whose digits must not change.
struct raw_json {
  std::string text;
  friend bool operator==(const raw_json&, const raw_json&) = default;
};

/// One cell of an answer, or one argument of a question. `std::monostate` is null; strings are UTF-8.
using value
  = std::variant<std::monostate, bool, std::int64_t, double, std::string, blob, raw_json>;

/// A number, which most are, is written down and nothing destroyed, in place of the jumps that a variant makes for what it
/// might hold. All else is not inlined, so that numbers need no registers for it.
template <>
struct relocation<value> {
  static void apply(value& from, void* to) noexcept {
    if (const auto* const whole = std::get_if<std::int64_t>(&from)) {
      ::new (to) value(*whole);
    } else if (const auto* const real = std::get_if<double>(&from)) {
      ::new (to) value(*real);
    } else {
      apply_to_other(from, to);
    }
  }

  static void destroy(value& what) noexcept {
    if (!std::holds_alternative<std::int64_t>(what) && !std::holds_alternative<double>(what))
      destroy_other(what);
  }

private:
  [[gnu::noinline]] static void apply_to_other(value& from, void* to) noexcept {
    ::new (to) value(std::move(from));
    std::destroy_at(&from);
  }
  [[gnu::noinline]] static void destroy_other(value& what) noexcept { std::destroy_at(&what); }
};

/// Most lists have one: a key, or the one cell that it leads to. That one is inside, so it costs no allocation.
using value_list = inline_vector<value, 1>;

/// Which of a pool's statements is asked: its place in the order of declaration, from 0.
struct statement_id {
  std::uint32_t index = 0;
  friend bool operator==(const statement_id&, const statement_id&) = default;
};

/// Names a call between an operator, its pool and the driver. Unique among the calls that one side
/// has under way at once; meaningless to everybody but its maker.
using call_token = std::uint64_t;

/// One question, on its way to a store.
struct question {
  call_token token = 0;
  statement_id statement;
  value_list arguments;
  /// When the answer is of no use any more; `time_point::max()` = never. A driver does not start a
  /// call whose deadline has passed, but ends it with the kind `cancelled`.
  time_point deadline = time_point::max();
};

/// Rows, all with the same columns. What is no table is given as one: a value or document that is there as one
/// row with one column without a name, one that is absent as no row.
struct answer {
  column_names columns;
  /// The cells, row by row.
  value_list cells;

  std::size_t rows() const noexcept {
    return columns.empty() ? 0 : cells.size() / columns.size();
  }
  const value& cell(std::size_t row, std::size_t column) const {
    return cells[row * columns.size() + column];
  }
};

/// What came of one call.
struct call_result {
  call_token token = 0;
  expected<answer> outcome;
};

} // namespace weir
