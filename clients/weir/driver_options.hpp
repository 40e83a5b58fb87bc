// SPDX-License-Identifier: Apache-2.0
#pragma once

/// What one kind of store wants to know beside what all do: of a pool, as the key column of a table in memory; of a
/// statement, as the columns that it asks for. A kind of driver says which it knows (driver_kind.hpp), and what reads
/// them from a file or a program needs to know no store. Plain values; any thread.

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace weir {

/// A switch, a whole number, a text, several texts, or texts by their names.
using option_value = std::variant<bool, std::int64_t, std::string, std::vector<std::string>,
                                  std::map<std::string, std::string>>;

/// What kind of value an option has, in the order of `option_value`.
enum class option_type : std::uint8_t { flag, integer, text, texts, named_texts };

class driver_options {
public:
  driver_options() = default;
  driver_options(std::initializer_list<std::pair<const std::string, option_value>> all) : all_(all) {}

  void set(std::string key, option_value given) { all_.insert_or_assign(std::move(key), std::move(given)); }

  /// Null: it is not given, or is of another type.
  template <class T>
  const T* find(std::string_view key) const noexcept {
    const auto found = all_.find(key);
    return found == all_.end() ? nullptr : std::get_if<T>(&found->second);
  }

  bool flag(std::string_view key) const noexcept {
    const auto* const found = find<bool>(key);
    return found != nullptr && *found;
  }

  /// Empty: it is not given.
  std::string text(std::string_view key) const {
    const auto* const found = find<std::string>(key);
    return found != nullptr ? *found : std::string{};
  }

  std::vector<std::string> texts(std::string_view key) const {
    const auto* const found = find<std::vector<std::string>>(key);
    return found != nullptr ? *found : std::vector<std::string>{};
  }

  bool has(std::string_view key) const noexcept { return all_.find(key) != all_.end(); }
  auto begin() const noexcept { return all_.begin(); }
  auto end() const noexcept { return all_.end(); }

  friend bool operator==(const driver_options&, const driver_options&) = default;

private:
  std::map<std::string, option_value, std::less<>> all_;
};

} // namespace weir
