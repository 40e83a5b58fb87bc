// SPDX-License-Identifier: Apache-2.0

#include "weir/driver_registry.hpp"

#include <string_view>
#include <utility>

namespace weir {

void driver_registry::add(std::string scheme, driver_factory factory) {
  factories_.insert_or_assign(std::move(scheme), std::move(factory));
}

expected<std::unique_ptr<client_driver>> driver_registry::make(
  const driver_settings& settings) const {
  const std::string_view url = settings.url;
  const auto colon = url.find(':');
  if (colon != std::string_view::npos)
    if (const auto known = factories_.find(url.substr(0, colon)); known != factories_.end())
      return known->second(settings);

  std::string schemes;
  for (const auto& [scheme, factory] : factories_)
    schemes += (schemes.empty() ? "" : ", ") + scheme + ":";
  return error{error_kind::argument, settings.pool,
               "url is \"" + settings.url + "\", but must begin with one of: "
                 + (schemes.empty() ? "(no driver is there)" : schemes)};
}

} // namespace weir
