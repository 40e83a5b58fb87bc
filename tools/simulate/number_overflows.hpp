// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Lets a JSON parser that would end at a number which no double holds read on, so that the number can be
/// named by its key like any other mistake: in the content such numbers become 0 with blanks behind, and all
/// else stays in its place. Part of json_tree.cpp. Values; one thread.

#include <cstddef>
#include <map>
#include <string>

namespace weir::tool {

class number_overflows {
public:
  /// From the value that begins at `begin` to its end, or that of the content.
  void blank_out(std::string& content, std::size_t begin);

  bool none() const { return numbers_.empty(); }

  /// The one whose 0 the parser, which is a character ahead, has read at `offset`; null: none.
  const std::string* before(std::size_t offset) const;

private:
  std::size_t blank_out_number(std::string& content, std::size_t begin);

  /// As they were, by their places.
  std::map<std::size_t, std::string> numbers_;
  /// Nothing is searched twice, whatever brackets are missing.
  std::size_t searched_to_ = 0;
};

} // namespace weir::tool
