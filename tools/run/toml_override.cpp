// SPDX-License-Identifier: Apache-2.0
#include "toml_override.hpp"

#include "toml_section.hpp"

#include <memory>
#include <vector>

namespace weir::tool {

namespace {

/// A key and the text of its value.
struct assignment {
  std::string key;
  std::string value;
};

/// Cuts at the first `=` that is not inside quotes.
std::optional<assignment> split(const std::string& text) {
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != '\0') {
      if (c == '\\' && quote == '"')
        ++i;
      else if (c == quote)
        quote = '\0';
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '=') {
      return assignment{text.substr(0, i), text.substr(i + 1)};
    }
  }
  return std::nullopt;
}

/// Exactly one assignment as TOML, or nothing.
std::optional<toml::table> parse_one(const std::string& text, const std::string& source) {
  try {
    auto parsed = toml::parse(text, source);
    if (parsed.size() == 1)
      return parsed;
  } catch (const toml::parse_error&) {
    // Not TOML; the caller knows what that means.
  }
  return std::nullopt;
}

/// The parts of a dotted key; empty where it is none.
std::vector<std::string> parts_of(const std::string& key) {
  const auto parsed = parse_one(key + " = 0", "");
  std::vector<std::string> parts;
  const toml::table* at = parsed ? &*parsed : nullptr;
  while (at != nullptr && at->size() == 1) {
    const auto only = at->cbegin();
    parts.emplace_back(only->first.str());
    if (only->second.is_integer())
      return parts;
    at = only->second.as_table();
  }
  return {};
}

/// Puts the value under `name`: TOML where it is such, else a string.
void put(toml::table& into, const std::string& name, const std::string& value,
         const std::string& source) {
  if (auto parsed = parse_one("value = " + value, source); parsed && parsed->contains("value")) {
    auto& node = *parsed->get("value");
    node.visit([&](auto& typed) { into.insert_or_assign(name, std::move(typed)); });
    return;
  }
  // A string as TOML, so that it carries its source as the others do.
  auto quoted = parse_one("value = " + key_part(value + " "), source);
  auto& node = *quoted->get("value")->as_string();
  node.get().pop_back();
  into.insert_or_assign(name, std::move(node));
}

std::string names_of(const toml::array& tables) {
  std::string all;
  for (const auto& each : tables)
    if (const auto* table = each.as_table())
      if (const auto* name = table->get_as<std::string>("name"))
        all += (all.empty() ? "" : ", ") + key_part(name->get());
  return all.empty() ? "none" : all;
}

toml::table* named(toml::array& tables, const std::string& name) {
  for (auto& each : tables)
    if (auto* table = each.as_table())
      if (const auto* its = table->get_as<std::string>("name"); its != nullptr && its->get() == name)
        return table;
  return nullptr;
}

} // namespace

std::optional<mistake> apply_override(toml::table& root, const std::string& override_text) {
  const auto wrong = [&](std::string key, std::string rule) {
    return mistake{"--set " + without_passwords(override_text), std::move(key), {}, std::move(rule),
                   mistake::place_of_overrides};
  };
  const auto what = split(override_text);
  const auto parts = what ? parts_of(what->key) : std::vector<std::string>{};
  if (parts.empty())
    return wrong({}, "must be KEY=VALUE, with a key such as pool.airports.url");

  auto* at = &root;
  std::string key;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    key += (i == 0 ? "" : ".") + key_part(parts[i]);
    auto* next = at->get(parts[i]);
    if (next == nullptr) {
      at->insert(parts[i], toml::table{});
      next = at->get(parts[i]);
    }
    if (auto* tables = next->as_array(); tables != nullptr && tables->is_array_of_tables()) {
      if (++i + 1 == parts.size())
        return wrong(key, "is a list of tables; name a key of one of them: " + key + ".NAME.KEY");
      next = named(*tables, parts[i]);
      if (next == nullptr)
        return wrong(key, "has none with the name " + key_part(parts[i]) + "; there are: "
                            + names_of(*tables));
      key += "." + key_part(parts[i]);
    }
    at = next->as_table();
    if (at == nullptr)
      return wrong(key, "is no table, so that nothing can be set in it");
  }
  put(*at, parts.back(), what->value, "--set " + override_text);
  return std::nullopt;
}

} // namespace weir::tool
