// SPDX-License-Identifier: Apache-2.0
#pragma once

/// A driver around any other that disturbs its calls: added latency, errors, calls that are never
/// answered. It belongs to a pool like any other driver and owns the one inside. One thread of its own
/// does all that follows from a call or a result: it alone submits to the driver inside and gives
/// results to the pool, so what is delayed or hangs holds neither a thread nor a place in the store.
/// Shown by tests/clients/faulty_driver_test.cpp; what it decides, by fault_machine_test.cpp.

#include "weir/client_driver.hpp"
#include "weir/fault_plan.hpp"

#include <memory>
#include <string>

namespace weir {

/// Wraps `inside`. Its `permits()` are those of `inside`, its `window()` is unbounded: what `inside` has
/// no room for waits in the wrapper. Errors: a setting breaks its rule; `pool` is named.
expected<std::unique_ptr<client_driver>> faulty_driver(std::string pool,
                                                       std::unique_ptr<client_driver> inside,
                                                       const fault_settings& settings);

} // namespace weir
