// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Which kind of driver stands for which kind of address. A plain object that a program fills with the drivers
/// it is linked with; there is no global one. Not thread-safe while it is filled; `make` may be called
/// from any thread. Shown by tests/clients/driver_registry_test.cpp.

#include "weir/driver_kind.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// Drivers by the scheme of the address, `scheme:rest`.
class driver_registry {
public:
  /// `scheme` without its colon. Takes the place of a kind that was there.
  void add(std::string scheme, std::shared_ptr<const driver_kind> kind);

  /// A driver of which nothing is known but how it is made.
  void add(std::string scheme, driver_factory factory);

  /// The kind of driver that an address asks for. Errors, named after the pool: no scheme, one that is not
  /// known (the message names those that are).
  expected<std::shared_ptr<const driver_kind>> find(const driver_settings& settings) const;

  /// Makes the driver that `settings.url` asks for; connects to nothing yet. Errors: those of `find`, or
  /// what the driver says of the rest.
  expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const;

  /// All that have been added.
  std::vector<std::shared_ptr<const driver_kind>> all() const;

private:
  std::map<std::string, std::shared_ptr<const driver_kind>, std::less<>> kinds_;
};

} // namespace weir
