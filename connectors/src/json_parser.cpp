// SPDX-License-Identifier: Apache-2.0

#include "json_parser.hpp"

#include "weir/json_number.hpp"

#include <algorithm>
#include <charconv>

namespace weir::detail {

namespace {

std::string cause_of(simdjson::error_code code, std::string_view text) {
  // The parser may meet another fault before it looks at the encoding.
  if (!simdjson::validate_utf8(text.data(), text.size()))
    return "is not UTF-8";
  switch (code) {
    case simdjson::EMPTY:
      return "holds nothing but white space";
    case simdjson::DEPTH_ERROR:
      return "is nested more than 1,024 deep";
    case simdjson::NUMBER_ERROR:
      return "is not JSON: a number is malformed";
    case simdjson::STRING_ERROR:
      return "is not JSON: a string has a malformed escape";
    case simdjson::UNCLOSED_STRING:
      return "is not JSON: a string is not closed";
    case simdjson::UNESCAPED_CHARS:
      return "is not JSON: a string has a control character that is not escaped";
    case simdjson::T_ATOM_ERROR:
    case simdjson::F_ATOM_ERROR:
    case simdjson::N_ATOM_ERROR:
      return "is not JSON: a word is none of true, false, null";
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return "is too large for the memory there is";
    default:
      return "is not JSON: a comma, colon, bracket or name is missing or too many";
  }
}

/// Whether a text that says as much in other words may fare better. Releases of simdjson differ in
/// the errors that they give for large numbers.
bool may_be_rewritten(simdjson::error_code code) {
  switch (code) {
    case simdjson::SUCCESS:
    case simdjson::UTF8_ERROR:
    case simdjson::DEPTH_ERROR:
    case simdjson::CAPACITY:
    case simdjson::MEMALLOC:
      return false;
    default:
      return true;
  }
}

std::string_view name_of(simdjson::dom::element_type type) {
  switch (type) {
    case simdjson::dom::element_type::ARRAY:
      return "an array";
    case simdjson::dom::element_type::STRING:
      return "a string";
    case simdjson::dom::element_type::BOOL:
      return "true or false";
    case simdjson::dom::element_type::NULL_VALUE:
      return "null";
    default:
      return "a number";
  }
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The code unit of `\uXXXX` at `at`; nothing where there is none.
std::optional<unsigned> code_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u')
    return std::nullopt;
  unsigned code = 0;
  const auto* end = text.data() + at + 6;
  if (std::from_chars(text.data() + at + 2, end, code, 16).ptr != end)
    return std::nullopt;
  return code;
}

} // namespace

// -- json_parser --

json_parser::outcome json_parser::parse(std::string_view text) {
  has_huge_numbers_ = false;
  auto root = parse_with_simdjson(text);
  if (may_be_rewritten(root.error())) {
    // simdjson refuses some JSON: integers beyond 64 bits, numbers beyond double, and halves of
    // surrogate pairs. Records must pass all the same, so it is given a text that says as much.
    rewrite(text);
    const auto size = rewritten_.size();
    rewritten_.resize(size + simdjson::SIMDJSON_PADDING);
    root = parse_with_simdjson({rewritten_.data(), size});
  }
  if (root.error())
    return {cause_of(root.error(), text), {}};
  const auto element = root.value_unsafe();
  simdjson::dom::object object;
  if (element.get_object().get(object))
    return {"is not a JSON object but " + std::string{name_of(element.type())}, {}};
  return {{}, object};
}

bool json_parser::is_huge_number(simdjson::dom::element field) const {
  simdjson::dom::array array;
  return has_huge_numbers_ && !field.get_array().get(array) && array.size() == 0;
}

simdjson::simdjson_result<simdjson::dom::element> json_parser::parse_with_simdjson(
  std::string_view text) {
  if (text.size() > parser_.capacity()) {
    // By itself the parser grows to just what is asked for, each time.
    const auto capacity = std::max({text.size(), 2 * parser_.capacity(), std::size_t{4096}});
    if (auto code = parser_.allocate(capacity))
      return code;
    if (auto code = parser_.doc.allocate(capacity))
      return code;
  }
  return parser_.parse(text.data(), text.size(), false);
}

void json_parser::rewrite(std::string_view text) {
  rewritten_.clear();
  bool in_string = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (in_string && c == '\\') {
      i = rewrite_escape(text, i);
    } else if (!in_string && (c == '-' || is_digit(c))) {
      i = rewrite_number(text, i);
    } else {
      if (c == '"')
        in_string = !in_string;
      rewritten_ += c;
      ++i;
    }
  }
}

std::size_t json_parser::rewrite_escape(std::string_view text, std::size_t at) {
  const auto is_half = [](std::optional<unsigned> code, unsigned first) {
    return code && *code >= first && *code < first + 0x400;
  };
  const auto code = code_unit(text, at);
  std::size_t size = 2;
  if (is_half(code, 0xd800) && is_half(code_unit(text, at + 6), 0xdc00)) {
    size = 12;
  } else if (is_half(code, 0xd800) || is_half(code, 0xdc00)) {
    rewritten_ += "\\ufffd";
    return at + 6;
  }
  rewritten_ += text.substr(at, size);
  return std::min(at + size, text.size());
}

std::size_t json_parser::rewrite_number(std::string_view text, std::size_t at) {
  const auto end = std::min(text.find_first_not_of("0123456789+-.eE", at), text.size());
  const auto number = text.substr(at, end - at);
  if (!is_json_number(number) || takes(number)) {
    rewritten_ += number;
  } else if (const auto as_real = std::string{number} + "e0";
             is_json_number(as_real) && takes(as_real)) {
    rewritten_ += as_real;
  } else {
    rewritten_ += "[]";
    has_huge_numbers_ = true;
  }
  return end;
}

bool json_parser::takes(std::string_view number) {
  // Within these bounds every number fits, and there may be many of them.
  if (number.size() < 18 && number.find_first_of("eE") == number.npos)
    return true;
  return !number_parser_.parse("[" + std::string{number} + "]").error();
}

// -- json_path --

json_path::json_path(std::string_view key) : name_("field \"" + std::string{key} + "\"") {
  if (!key.starts_with('/')) {
    steps_.emplace_back(key);
    return;
  }
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (key[i] == '/')
      steps_.emplace_back();
    else if (key[i] == '~' && i + 1 < key.size())
      steps_.back() += key[++i] == '1' ? '/' : '~';
    else
      steps_.back() += key[i];
  }
}

std::string_view json_path::fault_of(std::string_view key) {
  if (!key.starts_with('/'))
    return {};
  for (auto i = key.find('~'); i != key.npos; i = key.find('~', i + 1))
    if (i + 1 == key.size() || (key[i + 1] != '0' && key[i + 1] != '1'))
      return "is no JSON pointer: write ~0 for ~ and ~1 for / in a name";
  return {};
}

std::optional<simdjson::dom::element> json_path::find(const simdjson::dom::object& object) const {
  simdjson::dom::element at;
  if (object.at_key(steps_.front()).get(at))
    return std::nullopt;
  for (std::size_t i = 1; i < steps_.size(); ++i) {
    const auto& step = steps_[i];
    if (at.is_null())
      return at;
    if (at.is_object()) {
      if (at.at_key(step).get(at))
        return std::nullopt;
    } else if (at.is_array()) {
      std::size_t index = 0;
      const auto* end = step.data() + step.size();
      const auto [last, code] = std::from_chars(step.data(), end, index);
      const bool well_formed
        = code == std::errc{} && last == end && (step.size() == 1 || step.front() != '0');
      if (!well_formed || at.at(index).get(at))
        return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return at;
}

} // namespace weir::detail
