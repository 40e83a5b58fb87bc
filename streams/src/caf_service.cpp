// SPDX-License-Identifier: Apache-2.0
#include "weir/caf_service.hpp"

namespace weir {

job start_in(caf::actor_system& system, const environment& env, std::string name,
             run_options options) {
  return job::make(env, std::move(name), options, &system);
}

} // namespace weir
