// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Values and answers of stores as JSON text, appended to a string that the caller keeps and reuses.
/// Pure functions; any thread.

#include "weir/question.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace weir {

/// Appends `text` as a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD, one for
/// each longest part that begins like a character.
void append_json_string(std::string& out, std::string_view text);

/// Appends `number` in the shortest form that reads back to the same double; NaN and infinity become
/// null, since JSON has no word for them.
void append_json_number(std::string& out, double number);

/// Appends one value: integers and reals as numbers, text as string, `blob` as a string in base64,
/// `raw_json` as it is.
void append_json(std::string& out, const value& x);

/// Appends one row as an object, its members the columns in their order; the cell itself where the one column has no
/// name: such an answer is a document and no table.
void append_json_row(std::string& out, const answer& from, std::size_t row);

/// Appends all rows as an array; `[]` where there are none.
void append_json_rows(std::string& out, const answer& from);

} // namespace weir
