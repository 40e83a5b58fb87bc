// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What user code throws becomes an error value. Inside a `catch (...)`; any thread.

#include "weir/error.hpp"

#include <exception>
#include <string>
#include <utility>

namespace weir {

/// The exception that is being handled, as an error of `thing`, whose `who` has thrown it.
inline error thrown_error(std::string thing, const char* who) {
  std::string what = "something that is no std::exception";
  try {
    throw;
  } catch (const std::exception& thrown) {
    what = thrown.what();
  } catch (...) {
  }
  return {error_kind::exception, std::move(thing), std::string{"its "} + who + " threw: " + what};
}

} // namespace weir
