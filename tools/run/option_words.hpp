// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The library's messages name what may be done by its own words, in brackets: `begin a fresh run (fresh)`.
/// Who runs the command knows options by other names. Pure functions; any thread.
/// tests/tools/option_words_test.cpp.

#include "weir/error.hpp"

#include <string>

namespace weir::tool {

/// With the command's options in the place of the library's words: `begin a fresh run (--fresh)`.
std::string with_option_names(std::string message);

/// Its text, with the command's options in the place of the library's words.
std::string text_of(const error& why);

} // namespace weir::tool
