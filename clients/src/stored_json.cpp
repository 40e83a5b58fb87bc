// SPDX-License-Identifier: Apache-2.0

#include "stored_json.hpp"

#include "weir/json_number.hpp"

#include <charconv>
#include <simdjson.h>

namespace weir::detail {

namespace {

namespace ondemand = simdjson::ondemand;

constexpr const char* no_object = "is no JSON object";

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

std::string_view without_blanks_behind(std::string_view token) {
  while (!token.empty() && is_blank(token.back()))
    token.remove_suffix(1);
  return token;
}

std::string said(simdjson::error_code code) {
  return std::string{"is no valid JSON: "} + simdjson::error_message(code);
}

} // namespace

bool number_of(std::string_view text, value& into) {
  if (!is_json_number(text))
    return false;
  const auto* const end = text.data() + text.size();
  std::int64_t whole = 0;
  // "-0" is a number of its own.
  if (const auto read = std::from_chars(text.data(), end, whole);
      read.ec == std::errc{} && read.ptr == end && (whole != 0 || text == "0")) {
    into = whole;
    return true;
  }
  double real = 0;
  char digits[32];
  if (const auto read = std::from_chars(text.data(), end, real); read.ec == std::errc{} && read.ptr == end) {
    const auto written = std::to_chars(digits, digits + sizeof digits, real);
    if (std::string_view{digits, static_cast<std::size_t>(written.ptr - digits)} == text) {
      into = real;
      return true;
    }
  }
  into = raw_json{std::string{text}};
  return true;
}

class stored_json::parser {
public:
  std::string read(std::string_view text, std::string_view pointer, members& into, bool must_be_object) {
    into.clear();
    text_.assign(text);
    text_.reserve(text.size() + simdjson::SIMDJSON_PADDING);
    // The other parser looks only at what it is asked for.
    if (const auto code = checks_.parse(text_.data(), text_.size(), false).error(); code != simdjson::SUCCESS)
      return said(code);
    ondemand::document of;
    if (const auto code
        = walks_.iterate(text_.data(), text_.size(), text_.size() + simdjson::SIMDJSON_PADDING).get(of);
        code != simdjson::SUCCESS)
      return said(code);
    ondemand::object whole;
    if (pointer.empty()) {
      // A document that is a scalar is no value to this parser.
      const bool is_object = of.type().value_unsafe() == ondemand::json_type::object;
      if (!is_object)
        return must_be_object ? no_object : append_scalar_or_array(of, into);
      return of.get_object().get(whole) == simdjson::SUCCESS ? append(whole, into) : no_object;
    }
    ondemand::value part;
    if (const auto code = of.at_pointer(pointer).get(part); code != simdjson::SUCCESS)
      return code == simdjson::INVALID_JSON_POINTER || code == simdjson::NO_SUCH_FIELD
                 || code == simdjson::INDEX_OUT_OF_BOUNDS || code == simdjson::INCORRECT_TYPE
               ? std::string{}
               : said(code);
    if (part.get_object().get(whole) == simdjson::SUCCESS)
      return append(whole, into);
    into.emplace_back();
    return append_value(part, into.back().second);
  }

  std::string read_document(std::string_view text, value& into) {
    simdjson::dom::element checked;
    if (const auto code = checks_.parse(text.data(), text.size(), true).get(checked); code != simdjson::SUCCESS)
      return said(code);
    if (checked.is_string())
      into = std::string{checked.get_string().value_unsafe()};
    else
      set_unquoted(text, into);
    return {};
  }

private:
  std::string append(ondemand::object& of, members& into) {
    for (auto field : of) {
      std::string_view name;
      if (const auto code = field.unescaped_key().get(name); code != simdjson::SUCCESS)
        return said(code);
      into.emplace_back(std::string{name}, value{});
      ondemand::value cell;
      if (const auto code = field.value().get(cell); code != simdjson::SUCCESS)
        return said(code);
      if (auto wrong = append_value(cell, into.back().second); !wrong.empty())
        return wrong;
    }
    return {};
  }

  std::string append_scalar_or_array(ondemand::document& of, members& into) {
    into.emplace_back();
    auto& cell = into.back().second;
    std::string_view text;
    if (of.type().value_unsafe() == ondemand::json_type::string) {
      if (const auto code = of.get_string().get(text); code != simdjson::SUCCESS)
        return said(code);
      cell = std::string{text};
      return {};
    }
    set_unquoted(text_, cell);
    return {};
  }

  std::string append_value(ondemand::value& of, value& cell) {
    std::string_view text;
    switch (of.type().value_unsafe()) {
      case ondemand::json_type::string:
        if (const auto code = of.get_string().get(text); code != simdjson::SUCCESS)
          return said(code);
        cell = std::string{text};
        return {};
      case ondemand::json_type::object: {
        ondemand::object whole;
        if (of.get_object().get(whole) != simdjson::SUCCESS || whole.raw_json().get(text) != simdjson::SUCCESS)
          return no_object;
        break;
      }
      case ondemand::json_type::array: {
        ondemand::array whole;
        if (of.get_array().get(whole) != simdjson::SUCCESS || whole.raw_json().get(text) != simdjson::SUCCESS)
          return "is no JSON array";
        break;
      }
      default:
        text = of.raw_json_token();
        break;
    }
    set_unquoted(text, cell);
    return {};
  }

  /// From the text of what is no string.
  static void set_unquoted(std::string_view text, value& cell) {
    while (!text.empty() && is_blank(text.front()))
      text.remove_prefix(1);
    text = without_blanks_behind(text);
    if (text == "null") {
      cell = std::monostate{};
    } else if (text == "true" || text == "false") {
      cell = text == "true";
    } else if (!number_of(text, cell)) {
      std::string compact(text.size(), '\0');
      std::size_t size = 0;
      if (simdjson::minify(text.data(), text.size(), compact.data(), size) == simdjson::SUCCESS)
        compact.resize(size);
      else
        compact = text;
      cell = raw_json{std::move(compact)};
    }
  }

  simdjson::dom::parser checks_;
  ondemand::parser walks_;
  /// With the room behind it that the parsers ask for.
  std::string text_;
};

stored_json::stored_json() : parser_(std::make_unique<parser>()) {}
stored_json::~stored_json() = default;
stored_json::stored_json(stored_json&&) noexcept = default;
stored_json& stored_json::operator=(stored_json&&) noexcept = default;

std::string stored_json::read(std::string_view text, std::string_view pointer, members& into) {
  return parser_->read(text, pointer, into, false);
}

std::string stored_json::read_document(std::string_view text, value& into) {
  return parser_->read_document(text, into);
}

std::string stored_json::read_object(std::string_view text, members& into) {
  return parser_->read(text, {}, into, true);
}

} // namespace weir::detail
