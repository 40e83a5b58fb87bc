// SPDX-License-Identifier: Apache-2.0
#include "option_words.hpp"

#include <string_view>
#include <utility>

namespace weir::tool {

namespace {

constexpr std::pair<std::string_view, std::string_view> words[] = {
  {"(fresh)", "(--fresh)"},
  {"(from)", "(--from)"},
  {"(from, fall_back)", "(--from)"},
  {"(drop_state)", "(--drop-state)"},
  {"(remove_old_output)", "(--force)"},
  {"(discard_newer_output)", "(--discard-newer-output)"},
};

/// In front of the name that it was given.
constexpr std::pair<std::string_view, std::string_view> drop_state{"drop_state ", "--drop-state "};

} // namespace

std::string with_option_names(std::string message) {
  for (const auto& [word, option] : words)
    for (auto at = message.find(word); at != message.npos;
         at = message.find(word, at + option.size()))
      message.replace(at, word.size(), option);
  if (message.starts_with(drop_state.first))
    message.replace(0, drop_state.first.size(), drop_state.second);
  return message;
}

std::string text_of(const error& why) {
  return with_option_names(why.text());
}

} // namespace weir::tool
