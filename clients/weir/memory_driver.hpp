// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Asks a table that lies in memory: a CSV or NDJSON file, read whole when the pool opens and never again, with one of
/// its columns as the key. For tables that are small and change seldom, and for trying a job out without a store. It has
/// no threads: each question is answered at once, inside `submit`. `memory_driver` may be called from any thread; the
/// driver it makes belongs to a pool like any other. Shown by tests/clients/memory_driver_test.cpp.
///
/// * Address: `memory:PATH`, whose end says what it is: `.csv`, `.ndjson` or `.jsonl`. A relative path means the process's
///   working folder; who wants another makes it absolute first.
/// * Options of a pool: `key_column`, required; `types` of a CSV file, by the names of columns:
///   "string", "number" or "boolean".
/// * Options of a statement: `columns`, those of the answer in their order; all but the key where it is missing. A
///   statement has no text and one argument, the key.
/// * CSV as in RFC 4180, in UTF-8, with the names of the columns in the first row; blanks belong to their cell. Without a
///   type a cell that is a number in JSON's form is a number, an empty one null, all else a string.
/// * NDJSON: an object in each line, whose members are the cells; one that a line lacks is null. Columns are in the
///   order in which they first come.
/// * A key may have several rows, which are the rows of the answer in the order of the file; none: a miss. Numbers
///   are equal as numbers are (1 and 1.0), and never to a string. A row whose key is null cannot be asked for, and is
///   refused, so that none is lost unseen.
/// * Errors of `open`, with the row or line: the file cannot be read: `io`; it breaks a rule: `argument`.

#include "weir/driver_kind.hpp"

#include <memory>

namespace weir {

/// Makes a driver for `memory:PATH`; opens no file yet. Errors: a rule of `memory_kind` is broken.
expected<std::unique_ptr<client_driver>> memory_driver(const driver_settings& settings);

/// What is known of such pools.
std::shared_ptr<const driver_kind> memory_kind();

} // namespace weir
