// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What user code throws becomes an error. Calls into a user's source, sink or function go through
/// `guarded`; what escapes elsewhere (the move of a record, its `held_bytes`, a driver) ends its actor,
/// which `report_exceptions` of instance.hpp lets say why.

#include "weir/error.hpp"

#include <exception>
#include <string>
#include <utility>

namespace weir {

/// The error that an exception becomes; `who` has thrown it.
inline error error_of(const std::string& stage, const std::exception_ptr& thrown,
                      const std::string& who = "it") {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& known) {
    return {error_kind::exception, stage, who + " threw: " + known.what()};
  } catch (...) {
    return {error_kind::exception, stage, who + " threw something that is no std::exception"};
  }
}

/// The same error, said of `who`: begins with that name, and goes on with the thing that it is about where
/// that is another.
inline error said_of(const std::string& who, const error& why) {
  if (why.thing().empty() || why.thing() == who)
    return {why.kind(), who, why.message()};
  return {why.kind(), who, why.thing() + ": " + why.message()};
}

/// The same, where the error may be about `who` by the name `also`.
inline error said_of(const std::string& who, const std::string& also, const error& why) {
  return why.thing() == also ? error{why.kind(), who, why.message()} : said_of(who, why);
}

/// `call()`'s result, or the error that it threw.
template <class Call>
auto guarded(const std::string& stage, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (...) {
    return error_of(stage, std::current_exception());
  }
}

} // namespace weir
