// SPDX-License-Identifier: Apache-2.0
#include "number_overflows.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

namespace weir::tool {

namespace {

bool is_of_number(char c) {
  return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' || c == '+' || c == '-';
}

/// Where its last character is, or that of its line.
std::size_t end_of_text(const std::string& content, std::size_t at) {
  for (++at; at < content.size() && content[at] != '"' && content[at] != '\n'; ++at)
    at += content[at] == '\\' ? 1 : 0;
  return at;
}

} // namespace

void number_overflows::blank_out(std::string& content, std::size_t begin) {
  if (begin < searched_to_)
    return;
  std::size_t depth = 0;
  auto at = begin;
  do {
    const char c = content[at];
    if (c == '{' || c == '[')
      ++depth;
    else if ((c == '}' || c == ']') && depth > 0)
      --depth;
    else if (c == '"')
      at = end_of_text(content, at);
    else if (is_of_number(c))
      at = blank_out_number(content, at);
  } while (++at < content.size() && depth > 0);
  searched_to_ = at;
}

const std::string* number_overflows::before(std::size_t offset) const {
  const auto found = offset < 2 ? numbers_.end() : numbers_.find(offset - 2);
  return found == numbers_.end() ? nullptr : &found->second;
}

/// Gives the place of its last character.
std::size_t number_overflows::blank_out_number(std::string& content, std::size_t begin) {
  auto end = begin;
  while (end < content.size() && is_of_number(content[end]))
    ++end;
  auto text = content.substr(begin, end - begin);
  char* behind = nullptr;
  if (std::isinf(std::strtod(text.c_str(), &behind))) {
    text.resize(static_cast<std::size_t>(behind - text.data()));
    content.replace(begin, text.size(), text.size(), ' ');
    content[begin] = '0';
    numbers_.emplace(begin, std::move(text));
  }
  return end - 1;
}

} // namespace weir::tool
