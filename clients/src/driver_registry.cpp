// SPDX-License-Identifier: Apache-2.0

#include "weir/driver_registry.hpp"

#include <utility>

namespace weir {

namespace {

class plain_kind final : public driver_kind {
public:
  explicit plain_kind(driver_factory make) : make_(std::move(make)) {}

  std::vector<unmet_rule> check(const driver_settings& pool) const override {
    const auto made = make_(pool);
    return made ? std::vector<unmet_rule>{} : std::vector<unmet_rule>{{"url", made.why().message()}};
  }

  std::vector<unmet_rule> check(const statement_declaration&) const override { return {}; }

  expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const override {
    return make_(settings);
  }

private:
  const driver_factory make_;
};

} // namespace

void driver_registry::add(std::string scheme, std::shared_ptr<const driver_kind> kind) {
  kinds_.insert_or_assign(std::move(scheme), std::move(kind));
}

void driver_registry::add(std::string scheme, driver_factory factory) {
  add(std::move(scheme), std::make_shared<const plain_kind>(std::move(factory)));
}

expected<std::shared_ptr<const driver_kind>> driver_registry::find(const driver_settings& settings) const {
  if (const auto known = kinds_.find(settings.url.scheme()); known != kinds_.end())
    return known->second;
  std::string schemes;
  for (const auto& [scheme, kind] : kinds_)
    schemes += (schemes.empty() ? "" : ", ") + scheme + ":";
  return error{error_kind::argument, settings.pool,
               "url is \"" + settings.url.shown() + "\", but must begin with one of: "
                 + (schemes.empty() ? "(no driver is there)" : schemes)};
}

std::vector<std::shared_ptr<const driver_kind>> driver_registry::all() const {
  std::vector<std::shared_ptr<const driver_kind>> kinds;
  for (const auto& [scheme, kind] : kinds_)
    kinds.push_back(kind);
  return kinds;
}

expected<std::unique_ptr<client_driver>> driver_registry::make(
  const driver_settings& settings) const {
  const auto kind = find(settings);
  if (!kind)
    return kind.why();
  return (*kind)->make(settings);
}

} // namespace weir
