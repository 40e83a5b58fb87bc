// SPDX-License-Identifier: Apache-2.0

#include "weir/sqlite_driver.hpp"

#include "sqlite_connection.hpp"
#include "weir/blocking_driver.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weir {

namespace {

class sqlite_driver_kind final : public driver_kind {
public:
  bool is_file() const override { return true; }

  std::vector<unmet_rule> check(const driver_settings& pool) const override {
    if (pool.url.scheme() == "sqlite" && !pool.url.rest().empty())
      return {};
    return {{"url", "must be \"sqlite:PATH\", with the path of a SQLite database"}};
  }

  std::vector<unmet_rule> check(const statement_declaration& statement) const override {
    if (!statement.text.empty())
      return {};
    return {{"query", "must be a select"}};
  }

  expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const override {
    if (auto wrong = check(settings); !wrong.empty())
      return error{error_kind::argument, settings.pool,
                   "url is \"" + settings.url.shown() + "\", but " + wrong.front().rule};
    auto connect = [path = std::string{settings.url.rest()}](
                     std::size_t) -> expected<std::unique_ptr<blocking_connection>> {
      return std::unique_ptr<blocking_connection>{std::make_unique<detail::sqlite_connection>(path)};
    };
    return std::unique_ptr<client_driver>{
      std::make_unique<blocking_driver>(settings, std::move(connect))};
  }
};

} // namespace

expected<std::unique_ptr<client_driver>> sqlite_driver(const driver_settings& settings) {
  return sqlite_kind()->make(settings);
}

std::shared_ptr<const driver_kind> sqlite_kind() {
  static const auto kind = std::make_shared<const sqlite_driver_kind>();
  return kind;
}

} // namespace weir
