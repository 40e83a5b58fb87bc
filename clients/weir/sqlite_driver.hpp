// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Asks a SQLite database: a file that is only read, a connection and a thread for each of the pool's
/// connections, the statements prepared once. `sqlite_driver` may be called from any thread; the
/// driver it makes belongs to a pool like any other. Shown by tests/clients/sqlite_driver_test.cpp.
///
/// * Address: `sqlite:PATH`. A relative path means the process's working folder; who wants another
///   folder (that of a job file) makes the path absolute first.
/// * Statements: one `select` (or anything else that gives rows and writes nothing) each, with `?` for
///   the arguments. Whatever is wrong with one is said by `open`.
/// * Arguments: null, integers, reals, texts and blobs as such; a bool as 0 or 1, JSON as text.
/// * Cells: integer as `std::int64_t`, real as `double`, text as `std::string`, blob as `blob`, null as
///   `std::monostate`. A text that is not UTF-8 fails the call (`rejected`), since nothing behind it
///   could carry it unchanged; `cast(x as blob)` in the statement gives its bytes.
/// * Questions that a connection takes together see one state of the database.
/// * Kinds of errors while running: a writer holds its lock for more than 250 ms: `overloaded`; the file
///   or the device fails: `io`; SQLite's own fault: `internal`; everything else, and an answer of more
///   than 16 MiB: `rejected`.

#include "weir/driver_kind.hpp"

#include <memory>

namespace weir {

/// Makes a driver for `sqlite:PATH`; opens no file yet. Errors: another scheme, no path.
expected<std::unique_ptr<client_driver>> sqlite_driver(const driver_settings& settings);

/// What is known of such pools.
std::shared_ptr<const driver_kind> sqlite_kind();

} // namespace weir
