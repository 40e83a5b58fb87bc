// SPDX-License-Identifier: Apache-2.0
#include "json_section.hpp"

#include <algorithm>
#include <cmath>

namespace weir::tool {

namespace {

std::string range_text(std::int64_t min, std::int64_t max) {
  return "from " + std::to_string(min) + " to " + std::to_string(max);
}

bool in_range(const json_node& node, std::int64_t min, std::int64_t max) {
  return node.kind == json_kind::integer && node.integer >= min && node.integer <= max;
}

bool is_readable(const std::string& text) {
  constexpr std::size_t length_max = 1'000;
  return !text.empty() && text.size() <= length_max
         && std::none_of(text.begin(), text.end(),
                         [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
}

/// `last`: what stands between the last two.
std::string join(const std::vector<std::string>& names, const std::string& last) {
  std::string all;
  for (std::size_t i = 0; i < names.size(); ++i)
    all += (i == 0 ? "" : i + 1 == names.size() ? last : ", ") + '"' + names[i] + '"';
  return all;
}

} // namespace

void mistake_list::add(const json_node& at, const std::string& key, std::string rule, bool show) {
  if (all_.size() < max_)
    all_.push_back({path_ + ":" + std::to_string(at.line), key, show ? text_of(at) : std::string{},
                    std::move(rule), at.place});
}

// -- reading keys --

const json_node* json_section::find(std::string_view name) {
  known_.emplace(name);
  const auto found = std::find(object_.keys.begin(), object_.keys.end(), name);
  return found == object_.keys.end() ? nullptr : &object_.items[static_cast<std::size_t>(
                                         found - object_.keys.begin())];
}

std::optional<std::int64_t> json_section::integer(std::string_view name, std::int64_t min,
                                                  std::int64_t max) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  if (in_range(*node, min, max))
    return node->integer;
  wrong(name, "must be a whole number " + range_text(min, max));
  return std::nullopt;
}

std::optional<std::int64_t> json_section::required_integer(std::string_view name, std::int64_t min,
                                                           std::int64_t max) {
  if (find(name) == nullptr)
    missing(name);
  return integer(name, min, max);
}

double json_section::required_number(std::string_view name, double min) {
  const auto* node = find(name);
  if (node == nullptr) {
    missing(name);
    return min;
  }
  const auto value = node->kind == json_kind::integer ? static_cast<double>(node->integer)
                                                      : node->number;
  const bool is_number = node->kind == json_kind::integer || node->kind == json_kind::number;
  if (is_number && std::isfinite(value) && value >= min)
    return value;
  wrong(name, is_number && value >= min
                ? std::string{"must be a number that a double holds, up to 1.79e308"}
                : "must be a number >= " + std::to_string(static_cast<std::int64_t>(min)));
  return min;
}

std::optional<std::string> json_section::text(std::string_view name) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  if (node->kind == json_kind::text && is_readable(node->text))
    return node->text;
  wrong(name, "must be a string of 1 to 1000 bytes without control characters");
  return std::nullopt;
}

std::string json_section::required_text(std::string_view name) {
  if (find(name) == nullptr)
    missing(name);
  return text(name).value_or(std::string{});
}

bool json_section::flag(std::string_view name) {
  const auto* node = find(name);
  if (node == nullptr)
    return false;
  if (node->kind != json_kind::boolean || !node->flag)
    wrong(name, "must be true, or left out");
  return true;
}

std::optional<std::vector<std::int64_t>> json_section::integers(std::string_view name,
                                                                std::int64_t min,
                                                                std::int64_t max) {
  const auto* node = array(name);
  if (node == nullptr)
    return std::nullopt;
  std::vector<std::int64_t> all;
  for (std::size_t i = 0; i < node->items.size(); ++i) {
    const auto& item = node->items[i];
    if (!in_range(item, min, max))
      mistakes_.add(item, key_of_item(key_of(name), i),
                    "must be a whole number " + range_text(min, max));
    all.push_back(item.integer);
  }
  return all;
}

std::optional<std::string_view> json_section::one_of(std::span<const std::string_view> names) {
  std::optional<std::string_view> found;
  std::size_t given = 0;
  for (const auto name : names)
    if (find(name) != nullptr) {
      found = name;
      ++given;
    }
  if (given == 1)
    return found;
  const std::vector<std::string> all{names.begin(), names.end()};
  const auto rule = "must have one of " + join(all, " and ");
  if (given == 0)
    absent_.push_back({all, key_, rule});
  else
    wrong_itself(rule);
  return std::nullopt;
}

const json_node* json_section::object(std::string_view name) {
  const auto* node = find(name);
  if (node != nullptr && node->kind != json_kind::object) {
    wrong(name, "must be an object");
    return nullptr;
  }
  return node;
}

const json_node* json_section::array(std::string_view name) {
  const auto* node = find(name);
  if (node != nullptr && node->kind != json_kind::array) {
    wrong(name, "must be an array");
    return nullptr;
  }
  return node;
}

std::optional<std::size_t> json_section::choice_index(std::string_view name,
                                                      const std::vector<std::string>& names) {
  const auto* node = find(name);
  if (node == nullptr)
    return std::nullopt;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (node->kind == json_kind::text && node->text == names[i])
      return i;
  wrong(name, "must be " + join(names, " or ")
                + (node->kind == json_kind::text ? did_you_mean(printable(node->text), names)
                                                 : std::string{}));
  return std::nullopt;
}

// -- saying what is wrong --

void json_section::missing(std::string_view name, std::string_view rule) {
  absent_.push_back({{std::string{name}}, key_of(name), std::string{rule}});
}

void json_section::wrong(std::string_view name, std::string rule) {
  const auto* node = find(name);
  if (node == nullptr)
    missing(name, rule);
  else
    mistakes_.add(*node, key_of(name), std::move(rule));
}

void json_section::finish() {
  const std::vector<std::string> known{known_.begin(), known_.end()};
  std::set<std::string> meant;
  for (std::size_t i = 0; i < object_.keys.size(); ++i)
    if (!known_.contains(object_.keys[i])) {
      const auto shown = printable(object_.keys[i]);
      if (const auto* close = closest(shown, known))
        meant.insert(*close);
      mistakes_.add(object_.items[i], key_of(object_.keys[i]),
                    "is no key that weir knows here" + did_you_mean(shown, known));
    }
  for (const auto& each : absent_)
    if (std::ranges::none_of(each.names, [&](const auto& name) { return meant.contains(name); }))
      mistakes_.add(object_, each.key, each.rule, false);
}

std::string json_section::key_of(std::string_view name) const {
  return key_of_member(key_, name);
}

} // namespace weir::tool
