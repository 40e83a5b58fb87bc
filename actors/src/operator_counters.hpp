// SPDX-License-Identifier: Apache-2.0
#pragma once

/// An operator's counters as a part of its state, so that what a job has counted is exact over crashes: they
/// are written at each barrier, and an instance that goes on from there counts on. On the stage's thread.

#include "weir/manifest.hpp"
#include "weir/probes.hpp"

namespace weir {

/// Those since the run began, not what it holds now.
void write_counters(instance_summary& to, const operator_probe& of);

/// The counterpart, for a probe that has counted nothing. Names that this weir does not know are left out.
void read_counters(const instance_summary& from, operator_probe& to);

} // namespace weir
