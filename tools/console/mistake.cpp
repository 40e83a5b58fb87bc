// SPDX-License-Identifier: Apache-2.0
#include "mistake.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weir::tool {

namespace {

/// Levenshtein's distance.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    auto diagonal = std::exchange(row[0], i + 1);
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

} // namespace

std::string mistake::text() const {
  auto all = where + ": ";
  if (!key.empty())
    all += key + (value.empty() ? " " : " = " + value + ": ");
  return all + rule;
}

void put_in_order(std::vector<mistake>& of_one_file) {
  std::ranges::stable_sort(of_one_file, {}, &mistake::place);
}

const std::string* closest(std::string_view name, const std::vector<std::string>& known) {
  const std::string* best = nullptr;
  // A short name is close to too many others.
  auto least = name.size() < 3 ? 1 : 2 + name.size() / 4;
  for (const auto& each : known)
    if (const auto d = distance(name, each); d < least) {
      least = d;
      best = &each;
    }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& known) {
  const auto* best = closest(name, known);
  return best == nullptr ? std::string{} : " (did you mean \"" + *best + "\"?)";
}

} // namespace weir::tool
