// SPDX-License-Identifier: Apache-2.0
#pragma once

/// For programs that use CAF themselves: their actors and weir's jobs together. The one public header
/// that shows CAF. Link `weir::caf`.

#include "weir/actor_client.hpp"
#include "weir/caf_service.hpp"
#include "weir/turn_sharing.hpp"
