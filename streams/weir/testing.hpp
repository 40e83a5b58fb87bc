// SPDX-License-Identifier: Apache-2.0
#pragma once

/// All that tests of your functions and jobs need: a virtual clock, a harness for one operator, whole jobs
/// in virtual time, and a store whose answers the test writes. Link `weir::testing`.

#include "weir/operator_harness.hpp"
#include "weir/scripted_store.hpp"
#include "weir/virtual_clock.hpp"
#include "weir/virtual_job.hpp"
