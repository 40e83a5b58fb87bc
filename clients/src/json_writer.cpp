// SPDX-License-Identifier: Apache-2.0

#include "weir/json_writer.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <type_traits>
#include <variant>

namespace weir {

namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

/// Characters that stand in a JSON string as they are, of one byte.
constexpr auto is_plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x80; ++c)
    table[c] = c != '"' && c != '\\';
  return table;
}();

void append_escape(std::string& out, unsigned char c) {
  constexpr auto hex = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += "\\u00";
      out += hex[c >> 4];
      out += hex[c & 15];
  }
}

struct utf8_part {
  std::size_t size;
  bool valid;
};

/// The character of several bytes that `text` begins with, or the longest part of it that could begin
/// one (at least a byte).
utf8_part first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto lead = byte(0);
  if (lead < 0xc2 || lead > 0xf4)
    return {1, false};
  const std::size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // Over-long forms, surrogates and what lies above U+10FFFF show in the second byte.
  unsigned low = 0x80;
  unsigned high = 0xbf;
  if (lead == 0xe0)
    low = 0xa0;
  else if (lead == 0xed)
    high = 0x9f;
  else if (lead == 0xf0)
    low = 0x90;
  else if (lead == 0xf4)
    high = 0x8f;
  for (std::size_t i = 1; i < size; ++i) {
    if (i == text.size() || byte(i) < low || byte(i) > high)
      return {i, false};
    low = 0x80;
    high = 0xbf;
  }
  return {size, true};
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr auto digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto part = bytes.substr(i, 3);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (k < part.size() ? static_cast<unsigned char>(part[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += k <= part.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
}

template <class Number>
void append_digits(std::string& out, Number number) {
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  out.append(text.data(), end);
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const auto first = i;
    while (i < text.size() && is_plain[static_cast<unsigned char>(text[i])])
      ++i;
    out += text.substr(first, i - first);
    if (i == text.size())
      break;
    if (const auto c = static_cast<unsigned char>(text[i]); c < 0x80) {
      append_escape(out, c);
      ++i;
    } else {
      const auto part = first_character(text.substr(i));
      out += part.valid ? text.substr(i, part.size) : replacement;
      i += part.size;
    }
  }
  out += '"';
}

void append_json_number(std::string& out, double number) {
  // Many readers would take -0 for the integer 0.
  if (number == 0 && std::signbit(number))
    out += "-0.0";
  else if (std::isfinite(number))
    append_digits(out, number);
  else
    out += "null";
}

void append_json(std::string& out, const value& x) {
  std::visit(
    [&](const auto& cell) {
      using type = std::decay_t<decltype(cell)>;
      if constexpr (std::is_same_v<type, std::monostate>) {
        out += "null";
      } else if constexpr (std::is_same_v<type, bool>) {
        out += cell ? "true" : "false";
      } else if constexpr (std::is_same_v<type, std::int64_t>) {
        append_digits(out, cell);
      } else if constexpr (std::is_same_v<type, double>) {
        append_json_number(out, cell);
      } else if constexpr (std::is_same_v<type, std::string>) {
        append_json_string(out, cell);
      } else if constexpr (std::is_same_v<type, blob>) {
        out += '"';
        append_base64(out, cell.bytes);
        out += '"';
      } else {
        out += cell.text;
      }
    },
    x);
}

void append_json_row(std::string& out, const answer& from, std::size_t row) {
  if (from.columns.size() == 1 && from.columns[0].empty()) {
    append_json(out, from.cell(row, 0));
    return;
  }
  out += '{';
  for (std::size_t i = 0; i < from.columns.size(); ++i) {
    if (i > 0)
      out += ',';
    append_json_string(out, from.columns[i]);
    out += ':';
    append_json(out, from.cell(row, i));
  }
  out += '}';
}

void append_json_rows(std::string& out, const answer& from) {
  out += '[';
  for (std::size_t row = 0; row < from.rows(); ++row) {
    if (row > 0)
      out += ',';
    append_json_row(out, from, row);
  }
  out += ']';
}

} // namespace weir
