// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A line of NDJSON on its way through a job: the line as it came, and what the job adds to it. What
/// the job does not touch is never taken apart and written anew, so names, order, numbers to the last
/// digit, escapes and nulls come out as they came in. Plain values; any thread.

#include "weir/origin.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// One JSON object.
struct json_record {
  /// The line as it came, without its line end.
  std::string raw;
  /// Members that were added, each as `,"name":value`.
  std::string appended;
  /// Number of the line in its input, from 1; empty lines count. 0: not from a file.
  std::uint64_t line = 0;

  friend bool operator==(const json_record&, const json_record&) = default;
};

/// Bytes of memory that `x` holds.
std::size_t held_bytes(const json_record& x) noexcept;

/// Begins a member behind those that are there: appends `,"name":` to `to.appended`. The caller
/// appends exactly one JSON value to it next; see json_writer.hpp.
void begin_member(json_record& to, std::string_view name);

/// Appends a member whose value is the JSON text `json`.
void append_member(json_record& to, std::string_view name, std::string_view json);

/// Appends the record as one line, without a line end, to `out`: `raw` up to its last `}`, the added
/// members, `}`. White space behind the object is dropped, in front of the last `}` only where members
/// were added. `raw` must be a JSON object.
void append_json_text(std::string& out, const json_record& from);

/// How messages name a record whose file they have named already, or do not know: `line 17 (offset
/// 1234)`.
std::string record_name(const json_record& of, const origin& from);

/// How messages name a line: `flights.ndjson:17 (offset 1234)`.
std::string record_place(std::string_view file, std::uint64_t line, std::uint64_t offset);

} // namespace weir
