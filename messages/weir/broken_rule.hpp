// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A setting whose value its rule does not allow: of a program, which hears of it as an error of the thing that
/// was set, or of a file, whose reader finds the line. Plain values; any thread.

#include "weir/error.hpp"
#include "weir/time.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

struct broken_rule {
  std::string setting;
  std::string value;
  std::string rule;
};

/// Collects them.
class broken_rules {
public:
  void require(bool holds, std::string setting, std::string is, std::string rule) {
    if (!holds)
      found_.push_back({std::move(setting), std::move(is), std::move(rule)});
  }

  void require(bool holds, std::string setting, duration is, std::string rule) {
    require(holds, std::move(setting), std::to_string(is.count()) + " ns", std::move(rule));
  }

  const std::vector<broken_rule>& all() const noexcept { return found_; }

  /// `thing` is what was set; `group` stands in front of each setting: "retry.".
  std::vector<error> errors(const std::string& thing, std::string_view group = {}) const {
    std::vector<error> all;
    for (const auto& [setting, is, rule] : found_)
      all.emplace_back(error_kind::argument, thing,
                       std::string{group} + setting + " is " + is + " but must be " + rule);
    return all;
  }

private:
  std::vector<broken_rule> found_;
};

} // namespace weir
