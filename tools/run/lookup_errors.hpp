// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What lookups fail with, as errors. Pure functions; any thread.

#include "weir/error.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace weir::tool {

inline constexpr std::string_view null_key_message = "has a null key, for which nothing is found";

/// The store has no row for a record.
inline error miss_without_row(std::string lookup) {
  return {error_kind::miss, std::move(lookup), "found no row, and on_miss is \"fail\""};
}

/// A record was never asked for, since its key is null.
inline error miss_of_null_key(std::string lookup) {
  return {error_kind::miss, std::move(lookup), std::string{null_key_message}};
}

/// A row would be an object with a member twice.
inline error column_twice(std::string lookup, const std::string& column) {
  return {error_kind::rejected, std::move(lookup),
          "its query gives two columns named " + column + "; name one of them otherwise, with as"};
}

/// A null key stays null, so asking again cannot help.
inline bool is_miss_of_null_key(const error& why) {
  return why.is(error_kind::miss) && why.message() == null_key_message;
}

} // namespace weir::tool
