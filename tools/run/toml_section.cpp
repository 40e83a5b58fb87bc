// SPDX-License-Identifier: Apache-2.0
#include "toml_section.hpp"

#include "duration_text.hpp"

#include "weir/json_writer.hpp"
#include "weir/store_url.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace weir::tool {

namespace {

bool is_bare(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'
         || c == '-';
}

bool is_override(const toml::source_region& from) {
  return from.path && from.path->starts_with("--set ");
}

} // namespace

std::string place_of(const toml::node& node, const std::string& file) {
  const auto& from = node.source();
  if (is_override(from))
    return without_passwords(*from.path);
  return from.begin.line == 0 ? file : file + ":" + std::to_string(from.begin.line);
}

std::uint64_t place_in_order(const toml::node& node) {
  const auto& from = node.source();
  return is_override(from) ? mistake::place_of_overrides
                           : (std::uint64_t{from.begin.line} << 32) + from.begin.column;
}

std::string text_of(const toml::node& node) {
  constexpr std::size_t length_max = 80;
  if (const auto* number = node.as_floating_point(); number != nullptr && std::isfinite(number->get())) {
    // The shortest form, as a person has written it.
    std::string text;
    append_json_number(text, number->get());
    return text;
  }
  std::ostringstream out;
  node.visit([&](const auto& typed) { out << typed; });
  auto text = without_passwords(out.str());
  std::replace(text.begin(), text.end(), '\n', ' ');
  if (text.size() <= length_max)
    return text;
  auto end = length_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end) + "...";
}

std::string key_part(std::string_view name) {
  if (!name.empty() && std::all_of(name.begin(), name.end(), is_bare))
    return std::string{name};
  std::ostringstream out;
  out << toml::value<std::string>{name};
  return out.str();
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i)
    all += (i == 0 ? "\"" : i + 1 == names.size() ? " or \"" : ", \"") + names[i] + "\"";
  return all;
}

// -- reading keys --

const toml::node* toml_section::find(std::string_view name) {
  known_.emplace(name);
  return table_ == nullptr ? nullptr : table_->get(name);
}

std::optional<std::string> toml_section::text(std::string_view name) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  const auto* value = node->as_string();
  if (value == nullptr)
    wrong(name, "must be a string");
  else if (value->get().empty())
    wrong(name, "must not be empty");
  else if (value->get().find('\0') != std::string::npos)
    wrong(name, "must not have a null character in it");
  else
    return value->get();
  return std::nullopt;
}

std::optional<std::string> toml_section::required_text(std::string_view name) {
  if (find(name) == nullptr) {
    missing(name);
    return std::nullopt;
  }
  return text(name);
}

std::int64_t toml_section::integer(std::string_view name, std::int64_t otherwise, std::int64_t min,
                                   std::int64_t max) {
  const auto* node = find(name);
  if (node == nullptr)
    return otherwise;
  const auto* value = node->as_integer();
  if (value != nullptr && value->get() >= min && value->get() <= max)
    return value->get();
  wrong(name, "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max));
  return otherwise;
}

double toml_section::number(std::string_view name, double otherwise, double min, double max) {
  const auto* node = find(name);
  if (node == nullptr)
    return otherwise;
  if (const auto value = node->value<double>();
      value && node->is_number() && *value >= min && *value <= max)
    return *value;
  std::ostringstream rule;
  rule << "must be a number from " << min;
  if (max < 1e300)
    rule << " to " << max;
  else
    rule << " on";
  wrong(name, rule.str());
  return otherwise;
}

std::optional<duration> toml_section::time(std::string_view name) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  if (const auto* value = node->as_string())
    if (const auto parsed = parse_duration(value->get()))
      return parsed;
  wrong(name, "must be " + std::string{duration_rule});
  return std::nullopt;
}

std::uint64_t toml_section::size(std::string_view name, std::uint64_t otherwise, std::uint64_t min,
                                 std::uint64_t max) {
  const auto* node = find(name);
  if (node == nullptr)
    return otherwise;
  const auto* value = node->as_string();
  const auto parsed = value == nullptr ? std::nullopt : parse_size(value->get());
  if (!parsed)
    wrong(name, "must be " + std::string{size_rule});
  else if (*parsed < min || *parsed > max)
    wrong(name, "must be from " + std::to_string(min) + " to " + std::to_string(max) + " bytes");
  else
    return *parsed;
  return otherwise;
}

std::vector<std::string> toml_section::texts(std::string_view name, bool or_one) {
  const auto* node = find(name);
  if (node == nullptr)
    return {};
  std::vector<std::string> found;
  const auto take = [&](const toml::node& each) {
    const auto* value = each.as_string();
    if (value != nullptr && !value->get().empty())
      found.push_back(value->get());
    return value != nullptr && !value->get().empty();
  };
  const auto* array = node->as_array();
  const bool fits = array == nullptr ? or_one && take(*node)
                                     : !array->empty()
                                         && std::all_of(array->begin(), array->end(), take);
  if (fits)
    return found;
  wrong(name, std::string{or_one ? "must be a string or" : "must be"}
                + " an array of strings, at least one, none of them empty");
  return {};
}

std::optional<std::size_t> toml_section::choice_index(std::string_view name,
                                                      const std::vector<std::string>& names) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  const auto* value = node->as_string();
  const auto found = value == nullptr ? names.end()
                                      : std::find(names.begin(), names.end(), value->get());
  if (found != names.end())
    return static_cast<std::size_t>(found - names.begin());
  wrong(name, "must be " + quoted_list(names)
                + (value == nullptr ? std::string{} : did_you_mean(value->get(), names)));
  return std::nullopt;
}

std::optional<bool> toml_section::flag(std::string_view name) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  if (const auto* value = node->as_boolean())
    return value->get();
  wrong(name, "must be true or false");
  return std::nullopt;
}

std::map<std::string, std::string> toml_section::named_texts(std::string_view name) {
  const auto* const all = table(name);
  std::map<std::string, std::string> found;
  if (all == nullptr)
    return found;
  for (const auto& [key, node] : *all) {
    const auto* value = node.as_string();
    if (value == nullptr || value->get().empty()) {
      wrong(name, "must have strings as its values, none of them empty");
      return {};
    }
    found.emplace(key.str(), value->get());
  }
  return found;
}

const toml::table* toml_section::table(std::string_view name) {
  const auto* node = find(name);
  if (node == nullptr)
    return nullptr;
  if (node->as_table() == nullptr)
    wrong(name, "must be a table");
  return node->as_table();
}

// -- saying what is wrong --

void toml_section::missing(std::string_view name, std::string_view rule) {
  add_mistake(table_, name, {}, std::string{rule});
}

void toml_section::wrong(std::string_view name, std::string rule) {
  const auto* node = find(name);
  if (node == nullptr)
    missing(name, rule);
  else
    add_mistake(node, name, shown(name, *node), std::move(rule));
}

void toml_section::refuse_unknown() {
  if (table_ == nullptr)
    return;
  const std::vector<std::string> known{known_.begin(), known_.end()};
  for (const auto& [name, node] : *table_)
    if (!known_.contains(name.str()))
      add_mistake(&node, name.str(),
                  node.is_table() || node.is_array_of_tables() ? "" : shown(name.str(), node),
                  "is no key that weir knows here" + did_you_mean(name.str(), known));
}

void toml_section::add_mistake(const toml::node* node, std::string_view name, std::string value,
                               std::string rule) {
  wrong_.emplace(name);
  mistakes_.push_back({node == nullptr ? file_ : place_of(*node, file_), key_of(name),
                       std::move(value), std::move(rule), node == nullptr ? 0 : place_in_order(*node)});
}

std::string toml_section::shown(std::string_view name, const toml::node& value) const {
  // Somebody may have written it where it does not belong.
  return name.find("password") != std::string_view::npos ? "***" : text_of(value);
}

std::string toml_section::key_of(std::string_view name) const {
  return key_.empty() ? key_part(name) : key_ + "." + key_part(name);
}

} // namespace weir::tool
