// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The one exception by which saving and loading of state fail, whoever threw first: bytes that are
/// not what was written (`damaged`), a version that this program does not read (`incompatible`), a
/// record that cannot be stored (`argument`), a user's `serialize` that threw (`exception`).
/// std::bad_alloc alone passes as itself. Who calls codecs turns it into an `error`.

#include "weir/error.hpp"

#include <stdexcept>
#include <utility>

namespace weir {

class state_error : public std::runtime_error {
public:
  explicit state_error(error why) : std::runtime_error(why.text()), why_(std::move(why)) {}

  const error& why() const noexcept { return why_; }

private:
  error why_;
};

} // namespace weir
