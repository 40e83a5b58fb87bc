// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Reads the keys of one JSON object by their rules. What breaks a rule goes into a list of
/// mistakes and reading goes on with the default; keys that nobody asked for are mistakes as well.
/// `finish` must be called when all have been read. Used by one thread.

#include "json_tree.hpp"
#include "mistake.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::tool {

/// Where mistakes of one file go.
class mistake_list {
public:
  mistake_list(const std::string& path, std::vector<mistake>& all, std::size_t max)
    : path_(path), all_(all), max_(max) {}

  /// `rule` is what the value at `key` breaks; `show` is whether the value is shown.
  void add(const json_node& at, const std::string& key, std::string rule, bool show = true);

  std::size_t size() const noexcept { return all_.size(); }

private:
  const std::string& path_;
  std::vector<mistake>& all_;
  std::size_t max_;
};

class json_section {
public:
  /// `key`: the object's own key, `input[3]`; empty at the top.
  json_section(const json_node& object, std::string key, mistake_list& mistakes)
    : object_(object), key_(std::move(key)), mistakes_(mistakes) {}

  // -- reading keys; nothing, or the default, where the key is missing or breaks its rule --

  /// The value itself; from now on the key is known.
  const json_node* find(std::string_view name);

  std::optional<std::int64_t> integer(std::string_view name, std::int64_t min, std::int64_t max);
  std::optional<std::int64_t> required_integer(std::string_view name, std::int64_t min,
                                               std::int64_t max);

  /// A finite number of at least `min`.
  double required_number(std::string_view name, double min);

  /// Something to be read in a message: not empty, not long, without control characters.
  std::optional<std::string> text(std::string_view name);
  std::string required_text(std::string_view name);

  /// Whether the key is there; its value must be true.
  bool flag(std::string_view name);

  std::optional<std::vector<std::int64_t>> integers(std::string_view name, std::int64_t min,
                                                    std::int64_t max);

  /// The one of `names` that is there, as exactly one must be. Else nothing.
  std::optional<std::string_view> one_of(std::span<const std::string_view> names);

  const json_node* object(std::string_view name);
  const json_node* array(std::string_view name);

  template <class T, std::size_t N>
  std::optional<T> choice(std::string_view name,
                          const std::pair<std::string_view, T> (&all)[N]) {
    std::vector<std::string> names;
    for (const auto& [each, meaning] : all)
      names.emplace_back(each);
    const auto which = choice_index(name, names);
    return which ? std::optional{all[*which].second} : std::nullopt;
  }

  // -- saying what is wrong --

  /// `name` must be there and is not.
  void missing(std::string_view name, std::string_view rule = "is required");

  /// The value of `name`, which is there, breaks `rule`.
  void wrong(std::string_view name, std::string rule);

  /// The object as a whole breaks `rule`.
  void wrong_itself(std::string rule) { mistakes_.add(object_, key_, std::move(rule), false); }

  /// Whatever was not asked for is a mistake, and what is missing, unless it seems to be there in
  /// other letters.
  void finish();

  /// The key of something in this object.
  std::string key_of(std::string_view name) const;

  mistake_list& mistakes() { return mistakes_; }

private:
  std::optional<std::size_t> choice_index(std::string_view name,
                                          const std::vector<std::string>& names);

  /// A mistake, unless one of `names` is there in other letters.
  struct absence {
    std::vector<std::string> names;
    std::string key;
    std::string rule;
  };

  const json_node& object_;
  std::string key_;
  mistake_list& mistakes_;
  std::set<std::string, std::less<>> known_;
  std::vector<absence> absent_;
};

} // namespace weir::tool
