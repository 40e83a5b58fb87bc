// SPDX-License-Identifier: Apache-2.0
#pragma once

/// Where a service's feed stood at a barrier, as it stands in the summary of the service's instance 0: docs/formats.md.
/// Pure functions; any thread. tests/actors/service_cut_test.cpp.

#include "weir/error.hpp"
#include "weir/manifest.hpp"
#include "weir/push_feed.hpp"

#include <string>

namespace weir {

void write_cut(const feed_cut& what, instance_summary& to);

/// Of a summary that nobody has to have written. `service`: its name, for errors, which are `damaged`.
expected<feed_cut> read_cut(const instance_summary& from, const std::string& service);

} // namespace weir
