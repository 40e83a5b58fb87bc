// SPDX-License-Identifier: Apache-2.0

#include "weir/sqlite_driver.hpp"

#include "sqlite_connection.hpp"
#include "weir/blocking_driver.hpp"

#include <string>
#include <string_view>

namespace weir {

expected<std::unique_ptr<client_driver>> sqlite_driver(const driver_settings& settings) {
  constexpr std::string_view scheme = "sqlite:";
  const std::string_view url = settings.url;
  if (!url.starts_with(scheme) || url.size() == scheme.size())
    return error{error_kind::argument, settings.pool,
                 "url is \"" + settings.url
                   + "\", but a SQLite database is named as \"sqlite:PATH\""};
  auto connect = [path = std::string{url.substr(scheme.size())}](
                   std::size_t) -> expected<std::unique_ptr<blocking_connection>> {
    return std::unique_ptr<blocking_connection>{std::make_unique<detail::sqlite_connection>(path)};
  };
  return std::unique_ptr<client_driver>{
    std::make_unique<blocking_driver>(settings, std::move(connect))};
}

} // namespace weir
