// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which driver stands for which kind of address. A plain object that a program fills with the drivers
/// it is linked with; there is no global one. Not thread-safe while it is filled; `make` may be called
/// from any thread. Shown by tests/clients/driver_registry_test.cpp.

#include "weir/client_driver.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>

namespace weir {

/// Drivers by the scheme of the address, `scheme:rest`.
class driver_registry {
public:
  /// `scheme` without its colon. Takes the place of a driver that was there.
  void add(std::string scheme, driver_factory factory);

  /// Makes the driver that `settings.url` asks for; connects to nothing yet. Errors: no scheme, one
  /// that is not known (the message names those that are), or what the driver says of the rest.
  expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const;

private:
  std::map<std::string, driver_factory, std::less<>> factories_;
};

} // namespace weir
