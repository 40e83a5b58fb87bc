// SPDX-License-Identifier: Apache-2.0
#include "order_key.hpp"

#include "weir/json_writer.hpp"

namespace weir::tool {

std::string order_key::operator()(const json_record& of) const {
  std::string key;
  if (!fields_.read(of, values_))
    return key;
  for (const auto& each : values_) {
    append_json(key, each);
    // No value as JSON holds a line break, so fields cannot run into one another.
    key += '\n';
  }
  return key;
}

} // namespace weir::tool
