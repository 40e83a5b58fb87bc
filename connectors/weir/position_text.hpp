// SPDX-License-Identifier: Apache-2.0
#pragma once

/// How the sources of this folder write where they stand: numbers under names, in a line that
/// people can read (`offset=66048 line=512`). Pure functions; any thread.
/// tests/connectors/position_text_test.cpp.

#include "weir/error.hpp"
#include "weir/source_state.hpp"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

std::string write_position(
  std::initializer_list<std::pair<std::string_view, std::uint64_t>> numbers);

/// Whether the text has these names, in this order, and nothing else; if not, some of `into` may be
/// set all the same.
bool read_position(std::string_view text,
                   std::initializer_list<std::pair<std::string_view, std::uint64_t*>> into);

/// The error of a source that is to go on from a position which it cannot have written. `of`: the
/// source.
error not_a_position(std::string of, const split_position& what);

} // namespace weir
