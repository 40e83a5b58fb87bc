// SPDX-License-Identifier: Apache-2.0
#include "weir/checkpoint_options.hpp"

namespace weir {

std::vector<error> checkpoint_options::mistakes(const std::string& thing) const {
  auto found = timing().broken().errors(thing);
  const auto add = [&](const std::string& message) {
    found.emplace_back(error_kind::argument, thing, message);
  };
  if (directory.empty() && !store)
    add("directory is empty but checkpoints need a place; name a folder, or give a store");
  if (!directory.empty() && store)
    add("directory is " + directory + " and there is a store; choose one");
  if (keep == 0)
    add("keep is 0 but must be >= 1");
  return found;
}

} // namespace weir
