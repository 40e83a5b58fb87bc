// SPDX-License-Identifier: Apache-2.0
#pragma once

/// The parts of an address of the form `scheme://user:password@host:port/path?name=value`. Plain values.

#include "weir/store_url.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace weir::detail {

struct store_address {
  std::string user;
  secret password;
  /// Without the brackets of an IPv6 address; empty: none.
  std::string host;
  std::optional<std::uint16_t> port;
  /// From its slash on; empty: none.
  std::string path;
  std::map<std::string, std::string> parameters;
};

/// Reads it, with `%41` and the like in the place of characters. Nothing: it has another form.
std::optional<store_address> parse_address(const store_url& url);

} // namespace weir::detail
