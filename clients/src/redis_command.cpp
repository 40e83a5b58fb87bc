// SPDX-License-Identifier: Apache-2.0

#include "redis_command.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <type_traits>
#include <utility>

namespace weir::detail {

namespace {

/// Commands that change what a connection is, answer more or less than once, or hold up those behind them. Those that
/// end a server are nobody's lookup either.
constexpr std::array refused_commands{
  "AUTH",    "BLMOVE",     "BLMPOP",     "BLPOP",      "BRPOP",    "BRPOPLPUSH",  "BZMPOP",      "BZPOPMAX", "BZPOPMIN",
  "CLIENT",  "DISCARD",    "EXEC",       "HELLO",      "MONITOR",  "MULTI",       "PSUBSCRIBE",  "PSYNC",    "PUNSUBSCRIBE",
  "QUIT",    "READONLY",   "READWRITE",  "REPLCONF",   "RESET",    "SELECT",      "SHUTDOWN",    "SSUBSCRIBE", "SUBSCRIBE",
  "SUNSUBSCRIBE", "SYNC",  "UNSUBSCRIBE", "UNWATCH",   "WAIT",     "WATCH"};

std::string upper(std::string_view text) {
  std::string result{text};
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

error wrong(std::string message) {
  return {error_kind::argument, "query", std::move(message)};
}

template <class Number>
void append_number(std::string& out, Number number) {
  char digits[32];
  const auto written = std::to_chars(digits, digits + sizeof digits, number);
  out.append(digits, written.ptr);
}

/// A whole number is written as one, since nobody has a key 1e+05.
void append_real(std::string& out, double number) {
  if (std::trunc(number) == number && std::abs(number) < 0x1p63)
    append_number(out, static_cast<std::int64_t>(number));
  else
    append_number(out, number);
}

void append_text(std::string& out, const value& x) {
  std::visit(
    [&](const auto& of) {
      using type = std::remove_cvref_t<decltype(of)>;
      if constexpr (std::is_same_v<type, std::string>)
        out += of;
      else if constexpr (std::is_same_v<type, bool>)
        out += of ? "true" : "false";
      else if constexpr (std::is_same_v<type, std::int64_t>)
        append_number(out, of);
      else if constexpr (std::is_same_v<type, double>)
        append_real(out, of);
      else if constexpr (std::is_same_v<type, raw_json>)
        out += of.text;
      else if constexpr (std::is_same_v<type, blob>)
        out += of.bytes;
    },
    x);
}

} // namespace

void append_command(std::string& out, std::size_t parts) {
  out += '*';
  append_number(out, parts);
  out += "\r\n";
}

void append_bulk(std::string& out, std::string_view bytes) {
  out += '$';
  append_number(out, bytes.size());
  out += "\r\n";
  out += bytes;
  out += "\r\n";
}

expected<redis_command> redis_command::parse(const statement_declaration& declared) {
  redis_command made;
  if (auto done = made.split(declared); !done)
    return std::move(done).why();
  const auto form = declared.more.text("value");
  made.holds_json_ = form != "text";
  const auto is_literal = [](const part& of) { return of.size() == 1 && of[0].argument == none; };
  if (!is_literal(made.parts_[0]))
    return wrong("must begin with a command's name, as \"GET airport:{1}\" does");
  const auto name = upper(made.parts_[0][0].text);
  if (std::find(refused_commands.begin(), refused_commands.end(), name) != refused_commands.end())
    return wrong("must not be " + name + ", which changes what the connection is, or does not answer once and at once");
  if (name == "XREAD" || name == "XREADGROUP")
    for (const auto& each : made.parts_)
      if (is_literal(each) && upper(each[0].text) == "BLOCK")
        return wrong("must not have BLOCK, which holds up every question behind it");
  const auto* const batch = declared.more.find<bool>("batch");
  made.may_be_batched_ = name == "GET" && made.parts_.size() == 2 && (batch == nullptr || *batch);
  if (name == "HGETALL")
    made.form_ = reply_form::pairs;
  if (name == "HMGET" && made.parts_.size() > 2
      && std::all_of(made.parts_.begin() + 2, made.parts_.end(), is_literal)) {
    std::vector<std::string> names;
    for (auto each = made.parts_.begin() + 2; each != made.parts_.end(); ++each)
      names.push_back(each->front().text);
    made.form_ = reply_form::fields;
    made.columns_ = column_names::of(std::move(names));
  }
  return made;
}

expected<void> redis_command::split(const statement_declaration& declared) {
  const std::string_view text = declared.text;
  std::vector<bool> used(declared.arguments);
  part current;
  std::string literal;
  bool in_part = false;
  char quote = '\0';
  const auto end_part = [&] {
    if (!in_part)
      return;
    if (!literal.empty() || current.empty())
      current.push_back({std::exchange(literal, {}), none});
    parts_.push_back(std::exchange(current, {}));
    in_part = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = text[i];
    if (quote == '\0' && std::isspace(static_cast<unsigned char>(c)) != 0) {
      end_part();
      continue;
    }
    in_part = true;
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if ((c == '{' || c == '}') && i + 1 < text.size() && text[i + 1] == c) {
      literal += c;
      ++i;
    } else if (c == '{') {
      const auto end = text.find('}', i);
      std::size_t number = 0;
      const auto digits = end == std::string_view::npos ? std::string_view{} : text.substr(i + 1, end - i - 1);
      const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number);
      if (digits.empty() || read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || number == 0)
        return wrong("has a brace that is no {1}, {2} ...; write {{ for a brace");
      if (number > declared.arguments)
        return wrong("has {" + std::string{digits} + "}, but is asked with " + std::to_string(declared.arguments)
                     + " arguments");
      used[number - 1] = true;
      current.push_back({std::exchange(literal, {}), number - 1});
      i = end;
    } else if (c == '}') {
      return wrong("has a brace that is no {1}, {2} ...; write }} for a brace");
    } else {
      literal += c;
    }
  }
  if (quote != '\0')
    return wrong(std::string{"has a quote "} + quote + " that is not closed");
  end_part();
  if (parts_.empty())
    return wrong("must be a command, such as \"GET airport:{1}\"");
  if (const auto unused = std::find(used.begin(), used.end(), false); unused != used.end())
    return wrong("lacks {" + std::to_string(unused - used.begin() + 1) + "}: each argument must be in it");
  return {};
}

void redis_command::append(std::string& out, std::span<const value> arguments) {
  append_command(out, parts_.size());
  for (const auto& each : parts_)
    append_part(out, each, arguments);
}

void redis_command::append_key(std::string& out, std::span<const value> arguments) {
  append_part(out, parts_[1], arguments);
}

void redis_command::append_part(std::string& out, const part& of, std::span<const value> arguments) {
  if (of.size() == 1 && of[0].argument == none) {
    append_bulk(out, of[0].text);
    return;
  }
  filled_.clear();
  for (const auto& each : of) {
    filled_ += each.text;
    if (each.argument != none)
      append_text(filled_, arguments[each.argument]);
  }
  append_bulk(out, filled_);
}

} // namespace weir::detail
