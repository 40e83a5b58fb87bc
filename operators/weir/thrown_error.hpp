// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What user code throws becomes an error value. Inside a `catch (...)`; any thread.

#include "weir/error.hpp"

#include <exception>
#include <string>
#include <utility>

namespace weir {

/// An error as an exception: what user code throws to fail with a kind of its own.
class call_failed : public std::exception {
public:
  explicit call_failed(error why) : why_(std::move(why)), text_(why_.text()) {}
  const error& why() const noexcept { return why_; }
  const char* what() const noexcept override { return text_.c_str(); }

private:
  error why_;
  std::string text_;
};

/// The exception that is being handled, as an error of `thing`, whose `who` has thrown it; that of a
/// `call_failed` as it is.
inline error thrown_error(std::string thing, const char* who) {
  std::string what = "something that is no std::exception";
  try {
    throw;
  } catch (const call_failed& failed) {
    return failed.why();
  } catch (const std::exception& thrown) {
    what = thrown.what();
  } catch (...) {
  }
  return {error_kind::exception, std::move(thing), std::string{"its "} + who + " threw: " + what};
}

} // namespace weir
