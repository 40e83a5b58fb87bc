// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "weir/blocking_driver.hpp"
#include "weir/weir.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace weir::testing {

/// A store that doubles numbers, and refuses negative ones.
class doubling_connection final : public blocking_connection {
public:
  expected<void> open(const std::vector<statement_declaration>&) override { return {}; }

  expected<answer> execute(statement_id, std::span<const value> arguments, time_point) override {
    static const auto column = column_names::of({"twice"});
    const auto n = std::get<std::int64_t>(arguments[0]);
    if (n < 0)
      return error{"refused", "store", "it takes no negative numbers"};
    answer twice{column, {}};
    twice.cells.emplace_back(2 * n);
    return twice;
  }
};

inline pool_options doubling_store() {
  return {.name = "store",
          .driver = [](const driver_settings& of) -> expected<std::unique_ptr<client_driver>> {
            return std::unique_ptr<client_driver>{std::make_unique<blocking_driver>(
              of, [](std::size_t) -> expected<std::unique_ptr<blocking_connection>> {
                return std::unique_ptr<blocking_connection>{std::make_unique<doubling_connection>()};
              })};
          },
          .url = "double:"};
}

} // namespace weir::testing
