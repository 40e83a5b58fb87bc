// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What the readers of scenarios and of traces share: from files to checked values. Part of
/// scenario_reader.hpp.

#include "json_section.hpp"
#include "json_tree.hpp"
#include "scenario_reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::tool {

/// The content of a file; a mistake, and nothing, where it cannot be read or is too long.
std::optional<std::string> content_of(const std::string& path, std::vector<mistake>& mistakes);

/// `read` makes a value of each object; one with a mistake is left out. `noun` is what such an object is: that
/// there is none is a mistake too.
template <class T, class Read>
void parse_objects(std::string_view content, const std::string& path, const char* noun, Read read,
                   read_file<T>& into) {
  const json_limits limits;
  // Of each file by itself, so that one full of mistakes does not hide another's.
  std::vector<mistake> mistakes;
  mistake_list list{path, mistakes, limits.mistakes};
  bool is_empty = true;
  read_json_objects(
    content, path, mistakes,
    [&](const json_node& object, std::size_t mistakes_before) {
      is_empty = false;
      auto what = read(object, list);
      if (mistakes.size() == mistakes_before)
        into.all.push_back({std::move(what), path, object.line});
    },
    limits);
  put_in_order(mistakes);
  if (is_empty && mistakes.empty())
    mistakes.push_back({path, {}, {}, std::string{"holds no "} + noun});
  if (mistakes.size() >= limits.mistakes)
    mistakes.push_back({path, {}, {}, "has more mistakes than are named here"});
  into.mistakes.insert(into.mistakes.end(), mistakes.begin(), mistakes.end());
}

template <class T, class Read>
read_file<T> parse_objects(std::string_view content, const std::string& path, const char* noun,
                           Read read) {
  read_file<T> result;
  parse_objects<T>(content, path, noun, read, result);
  return result;
}

template <class T, class Read>
void load_objects(const std::string& path, const char* noun, Read read, read_file<T>& into) {
  if (const auto content = content_of(path, into.mistakes))
    parse_objects<T>(*content, path, noun, read, into);
}

} // namespace weir::tool
