// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reads the keys of one table of a TOML file by their rules. What breaks a rule goes into a list of
/// mistakes and reading goes on with the default; keys that nobody asked for are mistakes as well. Used
/// by one thread.

#include "job_file.hpp"

#include <toml++/toml.h>

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::tool {

/// Names a value may have, and what they mean.
template <class T, std::size_t N>
using choices = std::array<std::pair<std::string_view, T>, N>;

/// Where a node was written: file and line, or the `--set` that it comes from.
std::string place_of(const toml::node& node, const std::string& file);

/// As `mistake::place`.
std::uint64_t place_in_order(const toml::node& node);

/// A node as TOML, cut where it is long.
std::string text_of(const toml::node& node);

/// One part of a key; in quotes where TOML needs them.
std::string key_part(std::string_view name);

/// `"a", "b" or "c"`.
std::string quoted_list(const std::vector<std::string>& names);

class toml_section {
public:
  /// `key`: the table's own key, `pool.airports`. `table`: null = everything is missing.
  toml_section(const toml::table* table, std::string key, const std::string& file,
               std::vector<mistake>& mistakes)
    : table_(table), key_(std::move(key)), file_(file), mistakes_(mistakes) {}

  // -- reading keys; nothing, or the default, where the key is missing or breaks its rule --

  /// The node itself; from now on the key is known.
  const toml::node* find(std::string_view name);

  /// A string that is not empty.
  std::optional<std::string> text(std::string_view name);
  std::optional<std::string> required_text(std::string_view name);

  std::int64_t integer(std::string_view name, std::int64_t otherwise, std::int64_t min,
                       std::int64_t max);
  double number(std::string_view name, double otherwise, double min, double max);
  std::optional<duration> time(std::string_view name);
  std::uint64_t size(std::string_view name, std::uint64_t otherwise, std::uint64_t min,
                     std::uint64_t max);

  /// An array of strings that are not empty, at least one; with `or_one`, also a single string.
  std::vector<std::string> texts(std::string_view name, bool or_one = false);

  template <class T, std::size_t N>
  std::optional<T> choice(std::string_view name, const choices<T, N>& all) {
    std::vector<std::string> names;
    for (const auto& [each, meaning] : all)
      names.emplace_back(each);
    const auto which = choice_index(name, names);
    return which ? std::optional{all[*which].second} : std::nullopt;
  }

  /// A switch.
  std::optional<bool> flag(std::string_view name);

  /// A table of strings.
  std::map<std::string, std::string> named_texts(std::string_view name);

  /// The table under a key; mistake where it is something else.
  const toml::table* table(std::string_view name);

  // -- saying what is wrong --

  /// `name` must be there and is not.
  void missing(std::string_view name, std::string_view rule = "is required");

  /// The value of `name`, which is there, breaks `rule`.
  void wrong(std::string_view name, std::string rule);

  /// Whether there is a mistake about `name` so far: nothing should follow from its value.
  bool has_mistake(std::string_view name) const { return wrong_.contains(name); }

  /// Whatever was not asked for is a mistake.
  void refuse_unknown();

  const std::string& key() const noexcept { return key_; }

private:
  /// `node`: where it was written; null: in the file as a whole.
  void add_mistake(const toml::node* node, std::string_view name, std::string value,
                   std::string rule);
  std::optional<std::size_t> choice_index(std::string_view name,
                                          const std::vector<std::string>& names);
  std::string key_of(std::string_view name) const;
  /// The value of `name`, as mistakes show it.
  std::string shown(std::string_view name, const toml::node& value) const;

  const toml::table* table_;
  std::string key_;
  const std::string& file_;
  std::vector<mistake>& mistakes_;
  std::set<std::string, std::less<>> known_;
  std::set<std::string, std::less<>> wrong_;
};

} // namespace weir::tool
