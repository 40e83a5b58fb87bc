// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The one place where stages call into a user's source, sink or callback: what it throws becomes an error, since
/// an exception that leaves a handler would end the actor without a word about the cause.

#include "weir/error.hpp"

#include <exception>
#include <string>
#include <utility>

namespace weir {

/// `call()`'s result, or the error that it threw.
template <class Call>
auto guarded(const std::string& stage, Call&& call) -> decltype(call()) {
  try {
    return call();
  } catch (const std::exception& thrown) {
    return error{error_kind::exception, stage, std::string{"it threw: "} + thrown.what()};
  } catch (...) {
    return error{error_kind::exception, stage, "it threw something that is no std::exception"};
  }
}

} // namespace weir
