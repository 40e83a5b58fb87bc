// SPDX-License-Identifier: Apache-2.0

#include "weir/redis_driver.hpp"

#include "redis_connection.hpp"
#include "store_address.hpp"

#include <charconv>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace weir {

namespace {

constexpr unsigned databases_max = 1'000'000;

/// The address of a server; nothing: it breaks the rule.
std::optional<detail::redis_endpoint> endpoint_of(const driver_settings& settings) {
  auto address = detail::parse_address(settings.url);
  if (settings.url.scheme() != "redis" || !address)
    return std::nullopt;
  detail::redis_endpoint to;
  to.shown = settings.url.shown();
  to.url = settings.url;
  to.host = std::move(address->host);
  to.port = std::to_string(address->port.value_or(6379));
  to.user = std::move(address->user);
  to.password = settings.password.empty() ? std::move(address->password) : settings.password;
  std::string database;
  if (to.host.empty()) {
    to.socket_path = std::move(address->path);
    if (to.socket_path.size() < 2 || address->port)
      return std::nullopt;
    if (const auto given = address->parameters.extract("db"); !given.empty())
      database = given.mapped();
  } else if (address->path.size() > 1) {
    database = address->path.substr(1);
  }
  if (!address->parameters.empty())
    return std::nullopt;
  const auto* const end = database.data() + database.size();
  if (!database.empty())
    if (const auto read = std::from_chars(database.data(), end, to.database);
        read.ec != std::errc{} || read.ptr != end || to.database > databases_max)
      return std::nullopt;
  return to;
}

class redis_driver_kind final : public driver_kind {
public:
  std::span<const option_rule> statement_options() const override {
    static constexpr option_rule all[] = {{"value", option_type::text}, {"batch", option_type::flag}};
    return all;
  }

  std::vector<unmet_rule> check(const driver_settings& pool) const override {
    if (endpoint_of(pool))
      return {};
    return {{"url", "must be \"redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]\" or "
                    "\"redis:///PATH/TO/SOCKET[?db=DATABASE]\""}};
  }

  std::vector<unmet_rule> check(const statement_declaration& statement) const override {
    std::vector<unmet_rule> all;
    if (auto parsed = detail::redis_command::parse(statement); !parsed)
      all.push_back({"query", parsed.why().message()});
    if (const auto form = statement.more.text("value"); !form.empty() && form != "json" && form != "text")
      all.push_back({"value", "must be \"json\" or \"text\""});
    return all;
  }

  expected<std::unique_ptr<client_driver>> make(const driver_settings& settings) const override {
    auto to = endpoint_of(settings);
    if (!to)
      return error{error_kind::argument, settings.pool,
                   "url is \"" + settings.url.shown() + "\", but " + check(settings).front().rule};
    event_loop_options options;
    if (settings.options.permits_per_connection > 0)
      options.permits_per_connection = settings.options.permits_per_connection;
    options.open_timeout = settings.options.open_timeout;
    options.gate.seed = std::random_device{}();
    return std::unique_ptr<client_driver>{std::make_unique<event_loop_driver>(
      settings, options,
      [to = std::make_shared<const detail::redis_endpoint>(*std::move(to))](std::size_t) {
        return std::make_unique<detail::redis_connection>(to);
      })};
  }
};

} // namespace

expected<std::unique_ptr<client_driver>> redis_driver(const driver_settings& settings) {
  return redis_kind()->make(settings);
}

std::shared_ptr<const driver_kind> redis_kind() {
  static const auto kind = std::make_shared<const redis_driver_kind>();
  return kind;
}

} // namespace weir
